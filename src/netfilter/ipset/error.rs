//! Why the kernel refuses a command, in ipset 7.17's words.

/// What was to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `create`.
    Create,
    /// `add`.
    Add,
    /// `del`.
    Del,
    /// `test`.
    Test,
    /// `rename`.
    Rename,
    /// `swap`.
    Swap,
    /// Anything else.
    Other,
}

/// Why the kernel refuses (`enum ipset_errno` and some of errno(3)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetError {
    /// No set of that name.
    NoSet,
    /// There is a set of that name.
    SetExists,
    /// The second name of `rename` or `swap`.
    Second,
    /// The element is there, or it is not.
    Elem,
    /// Something refers to the set: it cannot be destroyed.
    Busy,
    /// Something refers to the set: it cannot be renamed.
    Referenced,
    /// Two types that cannot change places.
    TypeMismatch,
    /// A prefix length out of bounds.
    Cidr,
    /// A netmask out of bounds.
    Netmask,
    /// A markmask of 0.
    Markmask,
    /// A timeout for a set without.
    NoTimeout,
    /// Counters for a set without.
    NoCounters,
    /// A comment for a set without.
    NoComment,
    /// A mark, priority or queue for a set without.
    NoSkbinfo,
    /// Outside of a bitmap's range.
    Range,
    /// A bitmap of more than 65536 elements.
    RangeSize,
    /// As many elements as there may be.
    Full,
    /// An element of zeros.
    Null,
    /// Protocol 0.
    Proto,
    /// A part of the element is missing, or no part of this type.
    Protocol,
    /// A range of IPv6 networks.
    NetRange,
    /// A range of all addresses.
    WholeRange,
    /// No set of the name that a `list:set` is told.
    NoMember,
    /// A `list:set` in a `list:set`.
    Loop,
    /// The set behind `before` or `after` does not exist.
    NoRef,
    /// The set behind `before` or `after` is not in the list.
    RefAbsent,
    /// A `list:set` that is full.
    ListFull,
    /// A table that would be too large.
    Memory,
    /// What the kernel calls invalid without a reason.
    Invalid,
}

impl SetError {
    /// The message, without the program's name.
    pub fn text(self, verb: Verb) -> &'static str {
        match (self, verb) {
            (Self::NoSet, _) => "The set with the given name does not exist",
            (Self::SetExists, _) => "Set cannot be created: set with the same name already exists",
            (Self::Second, Verb::Rename) => "Set cannot be renamed: a set with the new name already exists",
            (Self::Second, _) => "Sets cannot be swapped: the second set does not exist",
            (Self::Elem, Verb::Add) => "Element cannot be added to the set: it's already added",
            (Self::Elem, _) => "Element cannot be deleted from the set: it's not added",
            (Self::Busy, _) => "Set cannot be destroyed: it is in use by a kernel component",
            (Self::Referenced, _) => "Set cannot be renamed: it is in use by another system",
            (Self::TypeMismatch, _) => "The sets cannot be swapped: their type does not match",
            (Self::Cidr, _) => "The value of the CIDR parameter of the IP address is invalid",
            (Self::Netmask, _) => "The value of the netmask parameter is invalid",
            (Self::Markmask, _) => "The value of the markmask parameter is invalid",
            (Self::NoTimeout, _) => "Timeout cannot be used: set was created without timeout support",
            (Self::NoCounters, _) => {
                "Packet/byte counters cannot be used: set was created without counter support"
            }
            (Self::NoComment, _) => "Comment cannot be used: set was created without comment support",
            (Self::NoSkbinfo, _) => "Skbinfo mapping cannot be used: set was created without skbinfo support",
            (Self::Range, _) => "Element is out of the range of the set",
            (Self::RangeSize, _) => "The range you specified exceeds the size limit of the set type",
            (Self::Full, _) => "Hash is full, cannot add more elements",
            (Self::Null, _) => "Null-valued element, cannot be stored in a hash type of set",
            (Self::Proto, _) => "Invalid protocol specified",
            (Self::Protocol, _) => "Kernel error received: ipset protocol error",
            (Self::NetRange, _) => "Range is not supported in the \"net\" component of the element",
            (Self::WholeRange, _) => "Invalid range, covers the whole address space",
            (Self::NoMember, _) => "Set to be added/deleted/tested as element does not exist.",
            (Self::Loop, _) => "Sets with list:set type cannot be added to the set.",
            (Self::NoRef, _) => "The set to which you referred with 'before' or 'after' does not exist.",
            (Self::RefAbsent, _) => {
                "The set to which you referred with 'before' or 'after' is not added to the set."
            }
            (Self::ListFull, _) => "The set is full, more elements cannot be added.",
            (Self::Memory, _) => "Kernel error received: Cannot allocate memory",
            (Self::Invalid, _) => "Kernel error received: Invalid argument",
        }
    }
}
