//! Targets whose options are printed as they were given, each with what it does to a packet.

use super::super::RuleError;
use super::super::kept::Kept;
use super::Target;
use super::hmark::HMark;
use super::npt::Npt;
use super::strip::{Ecn, Strip};
use super::tproxy::TProxy;
use crate::abi::IfName;
use smol_str::SmolStr;
use std::net::IpAddr;

/// A target as it is printed, and what it does.
#[derive(Clone, Debug, PartialEq)]
pub struct TypedTarget {
    /// Its name and options.
    pub kept: Kept,
    /// What it does.
    pub act: Act,
}

/// What a target does to a packet.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// `-j AUDIT`: writes a record.
    Audit,
    /// `-j CONNSECMARK`, where no security module labels packets; `-j IDLETIMER`, which tells a program.
    Nothing,
    /// `-j ECN`.
    Ecn(Ecn),
    /// `-j HMARK`.
    HMark(Box<HMark>),
    /// `-j DNPT`, `SNPT`.
    Npt(Npt),
    /// `-j RATEEST`: the estimator's name, its interval's steps and its weight's logarithm.
    RateEst(SmolStr, u32, u32),
    /// `-j TCPOPTSTRIP`.
    Strip(Strip),
    /// `-j TEE`: the gateway that gets a copy, and the interface that it leaves by.
    Tee(IpAddr, Option<IfName>),
    /// `-j TPROXY`.
    TProxy(TProxy),
}

impl Act {
    /// True if it tells of a packet and leaves it as it is.
    pub(super) fn notes(&self) -> bool {
        matches!(self, Act::Audit | Act::Nothing | Act::RateEst(..) | Act::Tee(..))
    }
}

impl Kept {
    /// As a target that does this.
    pub(super) fn doing(self, act: Act) -> Result<Target, RuleError> {
        Ok(Target::Typed(Box::new(TypedTarget { kept: self, act })))
    }
}
