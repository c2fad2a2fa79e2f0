//! Labs: small networks of several hosts in one file, and the probes to send through them.

mod build;
mod check;
mod compare;
mod crafted;
mod error;
mod export;
mod packet;
mod plan;
mod probe;
mod programs;
mod run;
mod scenario;
mod shape;
mod shell;
mod streams;
mod truth;
mod value;
#[cfg(target_os = "linux")]
pub mod verify;

pub use build::{BuildError, build};
pub use compare::{Comparison, Difference, Layer, Score, compare};
pub use error::{LabError, PacketFault};
pub use export::{ExportError, to_bash};
pub use packet::{CraftedPacket, FlagBits, Fragmentation, ProtoName};
pub use probe::{
    Close, PacketProbe, PacketsItem, PacketsProbe, PingProbe, Probe, PushProbe, RunProbe, SleepProbe,
    TcpProbe, UdpProbe, Via,
};
pub use run::{Run, run, run_watched};
pub use scenario::{
    Backend, Bridge, HostSpec, Interface, InterfaceSpec, Lab, LinkEnd, Listener, ListenerProto, Reply,
    ReplyFrom, Switch, SysctlValue,
};
pub use shell::Done;
pub use value::{Bytes, Cidr, Hex, HostName, OneOrMany, Ordered, Seconds, Text};
