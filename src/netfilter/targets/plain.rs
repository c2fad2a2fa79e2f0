//! Targets that say nothing beyond their name: `CHECKSUM`, `TRACE`.

use super::super::extension::{BOTH, Extension, Opt};
use super::super::{TableName, Target};

pub(super) static CHECKSUM: Extension =
    Extension::a_target("CHECKSUM", BOTH, &[Opt::flag("checksum-fill").req()], |_| Ok(Target::Checksum))
        .tables(&[TableName::Mangle]);
pub(super) static TRACE: Extension = Extension::a_target("TRACE", BOTH, &[], |_| Ok(Target::Trace));
