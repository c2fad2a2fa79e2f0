//! What is known to differ from Linux: probes, layers, reasons.

use vitrine::lab::Layer::{self, Ends, Fate, Packet, Path};

/// A probe that differs.
pub struct Known {
    /// The lab's file, without its ending.
    pub lab: &'static str,
    /// The probe's name.
    pub probe: &'static str,
    /// The layers.
    pub layers: &'static [Layer],
    /// Why.
    pub why: &'static str,
}

/// Which lab, which probe, which layer.
pub type Key = (String, String, Layer);

/// The list. What becomes equal must leave it.
pub const KNOWN: &[Known] = &[
    Known {
        lab: "docker-ufw",
        probe: "the published port again, another flow",
        layers: &[Fate, Path, Packet],
        why: "an earlier probe's unanswered SYN,ACK is sent again a little later than in the recording",
    },
    Known { lab: "ipset", probe: "sets after", layers: &[Ends], why: PIPES },
    Known { lab: "live-flows", probe: "entries", layers: &[Ends], why: PIPES },
    Known { lab: "loaded-counters", probe: "listing", layers: &[Ends], why: PIPES },
    Known { lab: "loaded-counters", probe: "zero one", layers: &[Ends], why: PIPES },
    Known { lab: "rules-midstream", probe: "flush and delete", layers: &[Ends], why: PIPES },
];

const PIPES: &str = "a shell's pipes, `echo` and text tools, which hosts of labs do not have";

/// Each layer of each probe of the list.
pub fn all() -> impl Iterator<Item = Key> {
    KNOWN.iter().flat_map(|k| k.layers.iter().map(|layer| (k.lab.to_owned(), k.probe.to_owned(), *layer)))
}

/// True if this is known to differ.
pub fn has(key: &Key) -> bool {
    KNOWN.iter().any(|k| k.lab == key.0 && k.probe == key.1 && k.layers.contains(&key.2))
}
