//! The network: hosts with devices, addresses, routes, neighbours and sockets, the order of hooks around the
//! routing decision, and the wires between hosts. Knows neither tasks nor files.

mod admin;
mod bridge;
mod busy;
mod calls;
mod carrier;
mod config;
mod device;
pub mod errno;
mod event;
mod exceptions;
pub mod fib;
mod fragment;
mod frame;
mod host;
mod icmp;
mod infer;
mod inject;
pub mod ip;
mod links;
mod local;
mod namespaces;
mod neigh;
mod network;
mod pace;
mod resolve;
mod routing;
mod socket;
mod stream;
mod sysctl;
pub mod tcp;
mod text;
mod walk;
mod wires;

pub use config::{ConfigEvent, LinkChange, watched};
pub use device::{Admin, Bridge, Device, DeviceKind, Devices, MacvlanMode};
pub use errno::Errno;
pub use event::{
    Assumption, Event, Fate, FrameDrop, LinkEvent, Lost, NetEvent, Routed, SocketCall, SocketEvent,
};
pub use exceptions::{Exception, Exceptions};
pub use fib::RouteKind;
pub use fragment::Fragments;
pub use frame::{Arp, Frame, FrameBody, solicited_node};
pub use host::Host;
pub use infer::infer;
pub use inject::{InjectError, InjectErrorKind, Injected, Origin};
pub use namespaces::{MoveError, Names, NoNames};
pub use neigh::{Neigh, NeighState, Neighbours};
pub use network::{Happening, HostId, Network, PassId, Port};
pub use pace::Pace;
pub use routing::Hop;
pub use socket::{Incoming, QueuedError, Socket, SocketId, SocketKind, SocketOptions, Sockets};
pub use sysctl::{Conf, Global, Sysctls, UnknownSysctl};
pub use text::{HostTextError, HostTextProblem, parse_host};
pub use walk::{Answer, Narrow};
