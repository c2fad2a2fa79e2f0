//! What is known to differ from Linux: probes, layers, reasons.

use vitrine::lab::Layer;

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
pub const KNOWN: &[Known] = &[];

/// Each layer of each probe of the list.
pub fn all() -> impl Iterator<Item = Key> {
    KNOWN.iter().flat_map(|k| k.layers.iter().map(|layer| (k.lab.to_owned(), k.probe.to_owned(), *layer)))
}

/// True if this is known to differ.
pub fn has(key: &Key) -> bool {
    KNOWN.iter().any(|k| k.lab == key.0 && k.probe == key.1 && k.layers.contains(&key.2))
}
