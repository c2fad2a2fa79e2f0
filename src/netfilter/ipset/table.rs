//! The hash table of a set, as the kernel has it: buckets that grow by two, a table that doubles when one is full.
//!
//! What an element meets on its way in decides the order in which a set is listed, its size in memory, and which
//! element gives way in a set with `forceadd`; so the table is the kernel's, bucket by bucket
//! (`net/netfilter/ipset/ip_set_hash_gen.h`).

use super::elem::{Elem, Ext};
use super::jhash;
use super::kind::SetType;
use std::collections::BTreeMap;

/// A bucket grows by so many places (`AHASH_INIT_SIZE`).
const STEP: usize = 2;
/// A bucket of `hash:net,iface` may grow to so many (`AHASH_MAX_TUNED`).
const TUNED: usize = 64;
/// Buckets that share a lock, and with it a part of `maxelem`, in powers of two (`HTABLE_REGION_BITS`).
const REGION_BITS: u8 = 10;
/// Bytes of an empty bucket.
const BUCKET_BYTES: u64 = 32;

/// An element with what stands beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) elem: Elem,
    pub(super) ext: Ext,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Bucket {
    /// Places that have memory.
    size: usize,
    /// Places that were used; some may be free again.
    slots: Vec<Option<Slot>>,
}

/// What became of an element on its way in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// It is new; the one that it took the place of, if the set was full.
    New(Option<Elem>),
    /// It was there, and what stands beside it is new.
    Changed,
    /// It is there already.
    Exists,
    /// There is no room.
    Full,
    /// Its bucket is full: the table must grow.
    Crowded,
}

/// The table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    kind: SetType,
    bits: u8,
    initval: u32,
    /// The most places of a bucket.
    bucketsize: usize,
    maxelem: u32,
    forceadd: bool,
    buckets: Vec<Bucket>,
    /// Elements in each region.
    regions: Vec<u32>,
    /// Bucket headers and places as the kernel counts them: a bucket that grows is counted as another one, and one
    /// that goes as a single one.
    counted: (i64, i64),
    /// How many elements have each prefix length: of the first network, and of the second.
    prefixes: [BTreeMap<u8, u32>; 2],
}

/// How a table is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) bits: u8,
    pub(super) initval: u32,
    pub(super) bucketsize: u8,
    pub(super) maxelem: u32,
    pub(super) forceadd: bool,
}

impl Table {
    pub(super) fn new(kind: SetType, shape: Shape) -> Table {
        Table {
            kind,
            bits: shape.bits,
            initval: shape.initval,
            bucketsize: usize::from(shape.bucketsize),
            maxelem: shape.maxelem,
            forceadd: shape.forceadd,
            buckets: vec![Bucket::default(); 1 << shape.bits],
            regions: vec![0; regions(shape.bits)],
            counted: (0, 0),
            prefixes: Default::default(),
        }
    }

    /// The number of buckets.
    pub(super) fn hashsize(&self) -> u32 {
        1 << self.bits
    }

    pub(super) fn bucketsize(&self) -> usize {
        self.bucketsize
    }

    /// The elements, in the order in which the kernel lists them.
    pub(super) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.buckets.iter().flat_map(|b| b.slots.iter().flatten())
    }

    pub(super) fn len(&self) -> usize {
        self.regions.iter().map(|n| *n as usize).sum()
    }

    /// Bytes of the buckets and regions, where an element with what stands beside it takes so many.
    pub(super) fn memory(&self, each: u64) -> u64 {
        let (headers, places) = self.counted;
        let bytes = headers * BUCKET_BYTES as i64 + places * each as i64;
        bytes.max(0) as u64 + 24 * self.regions.len() as u64
    }

    /// The prefix lengths of the first networks or the second ones, longest first.
    pub(super) fn prefixes(&self, second: bool) -> impl Iterator<Item = u8> + '_ {
        self.prefixes[usize::from(second)].keys().rev().copied()
    }

    fn bucket_of(&self, elem: &Elem) -> usize {
        jhash::bucket(self.kind, elem, self.initval, self.bits)
    }

    fn region_of(&self, bucket: usize) -> usize {
        bucket >> REGION_BITS
    }

    /// The elements that are equal to this one: more than one where interfaces are wildcards.
    pub(super) fn find(&self, elem: &Elem) -> impl Iterator<Item = &Slot> {
        let slots = &self.buckets[self.bucket_of(elem)].slots;
        slots.iter().flatten().filter(move |s| same(&s.elem, elem))
    }

    /// The same, to be changed.
    pub(super) fn find_mut<'a>(&'a mut self, elem: &'a Elem) -> impl Iterator<Item = &'a mut Slot> {
        let bucket = self.bucket_of(elem);
        self.buckets[bucket].slots.iter_mut().flatten().filter(move |s| same(&s.elem, elem))
    }

    /// True if the network has an element, whatever its interface: a search ends at it.
    pub(super) fn has_net(&self, elem: &Elem) -> bool {
        let slots = &self.buckets[self.bucket_of(elem)].slots;
        slots.iter().flatten().any(|s| s.elem.ip == elem.ip)
    }

    /// Puts an element in; one that is there gets what stands beside this one, if `exist` allows.
    pub(super) fn add(&mut self, elem: Elem, ext: Ext, exist: bool) -> Added {
        let at = self.bucket_of(&elem);
        let region = self.region_of(at);
        let quota = self.maxelem / self.regions.len() as u32;
        let full = self.regions[region] >= quota && self.len() >= self.maxelem as usize;
        let forced = full && self.forceadd;
        let nets = [elem.ip.map(|n| n.len), elem.ip2.map(|n| n.len)];
        let bucket = &mut self.buckets[at];
        if bucket.size == 0 {
            if full {
                return Added::Full;
            }
            bucket.size = STEP;
            self.counted = (self.counted.0 + 1, self.counted.1 + STEP as i64);
        }
        if let Some(slot) = bucket.slots.iter_mut().flatten().find(|s| same(&s.elem, &elem)) {
            if !exist {
                return Added::Exists;
            }
            slot.ext = ext;
            return Added::Changed;
        }
        let free = bucket.slots.iter().position(Option::is_none);
        let mut gone = None;
        match free.or(forced.then_some(0)) {
            Some(place) => {
                gone = bucket.slots[place].replace(Slot { elem, ext }).map(|s| s.elem);
            }
            None if full => return Added::Full,
            None => {
                if bucket.slots.len() >= bucket.size {
                    let nets = bucket.slots.iter().flatten().filter(|s| s.elem.ip == elem.ip).count();
                    let has_iface = self.kind == SetType::HashNetIface;
                    if has_iface && nets >= self.bucketsize && self.bucketsize + STEP <= TUNED {
                        self.bucketsize += STEP;
                    }
                    if bucket.size >= self.bucketsize {
                        return Added::Crowded;
                    }
                    bucket.size += STEP;
                    self.counted = (self.counted.0 + 1, self.counted.1 + STEP as i64);
                }
                bucket.slots.push(Some(Slot { elem, ext }));
            }
        }
        if let Some(gone) = &gone {
            self.regions[region] -= 1;
            self.count_prefixes([gone.ip.map(|n| n.len), gone.ip2.map(|n| n.len)], false);
        }
        self.regions[region] += 1;
        self.count_prefixes(nets, true);
        Added::New(gone)
    }

    /// Takes an element out.
    pub(super) fn remove(&mut self, elem: &Elem) -> Option<Slot> {
        let at = self.bucket_of(elem);
        let region = self.region_of(at);
        let bucket = &mut self.buckets[at];
        let place = bucket.slots.iter().position(|s| s.as_ref().is_some_and(|s| same(&s.elem, elem)))?;
        let gone = bucket.slots[place].take()?;
        if place + 1 == bucket.slots.len() {
            bucket.slots.pop();
        }
        let free = bucket.slots.iter().filter(|s| s.is_none()).count();
        if bucket.slots.is_empty() {
            self.counted = (self.counted.0 - 1, self.counted.1 - bucket.size as i64);
            *bucket = Bucket::default();
        } else if free >= STEP {
            bucket.slots.retain(Option::is_some);
            bucket.size -= STEP;
            self.counted = (self.counted.0 - 1, self.counted.1 - STEP as i64);
        }
        self.regions[region] -= 1;
        self.count_prefixes([gone.elem.ip.map(|n| n.len), gone.elem.ip2.map(|n| n.len)], false);
        Some(gone)
    }

    /// Takes everything out.
    pub(super) fn clear(&mut self) {
        self.buckets.fill(Bucket::default());
        self.regions.fill(0);
        self.counted = (0, 0);
        self.prefixes = Default::default();
    }

    /// Doubles the number of buckets until each element has its place. False if it cannot grow.
    pub(super) fn grow(&mut self) -> bool {
        for bits in self.bits + 1..=28 {
            let mut table = Table { bits, ..Table::new(self.kind, self.shape()) };
            table.buckets = vec![Bucket::default(); 1 << bits];
            table.regions = vec![0; regions(bits)];
            table.maxelem = u32::MAX;
            let fits = self.slots().all(|slot| {
                matches!(table.add(slot.elem.clone(), slot.ext.clone(), false), Added::New(None))
            });
            if fits {
                table.maxelem = self.maxelem;
                *self = table;
                return true;
            }
        }
        false
    }

    fn shape(&self) -> Shape {
        Shape {
            bits: 0,
            initval: self.initval,
            bucketsize: self.bucketsize as u8,
            maxelem: self.maxelem,
            forceadd: self.forceadd,
        }
    }

    fn count_prefixes(&mut self, nets: [Option<u8>; 2], came: bool) {
        for (lens, len) in self.prefixes.iter_mut().zip(nets) {
            let Some(len) = len else { continue };
            let count = lens.entry(len).or_default();
            *count = if came { *count + 1 } else { count.saturating_sub(1) };
            if *count == 0 {
                lens.remove(&len);
            }
        }
    }
}

fn regions(bits: u8) -> usize {
    1 << bits.saturating_sub(REGION_BITS)
}

/// True if the element of a set is the one that is asked for.
fn same(here: &Elem, asked: &Elem) -> bool {
    let iface = match (&here.iface, &asked.iface) {
        (Some(a), Some(b)) => a.covers(b),
        (a, b) => a == b,
    };
    iface
        && here.ip == asked.ip
        && here.port == asked.port
        && here.ip2 == asked.ip2
        && here.mac == asked.mac
        && here.mark == asked.mark
}
