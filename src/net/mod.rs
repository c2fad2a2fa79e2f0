//! A host's network as far as one packet's way through it goes: interfaces, addresses, routes, and the order
//! of hooks around the routing decision. Knows neither tasks nor files.

pub mod errno;
mod event;
mod host;
mod infer;
mod inject;
mod route;
pub mod tcp;
mod text;
mod walk;

pub use event::{Assumption, Event, Fate, Lost, NetEvent, Routed};
pub use host::{Host, IfAddr};
pub use infer::infer;
pub use inject::{InjectError, InjectErrorKind, Injected, Origin};
pub use route::{Route, RouteKind};
pub use text::{HostTextError, HostTextProblem, parse_host};
pub use walk::Answer;
