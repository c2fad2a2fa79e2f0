//! `-m bpf`: a program of the classic Berkeley packet filter.

use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Fact, NotTold, Test};
use super::super::kept::Kept;
use super::super::value::{Cx, Kind, Value};
use super::super::{Match, RuleError};
use super::MatchCx;
use super::typed::Ask;
use crate::packet::{At, Wire};

/// Instructions (Documentation/networking/filter.rst).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program(pub Vec<Instruction>);

/// One instruction: code, jump if true, jump if false, constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Class, size, mode or operation.
    pub code: u16,
    /// Instructions to skip where a comparison holds.
    pub jt: u8,
    /// Where it does not.
    pub jf: u8,
    /// The constant.
    pub k: u32,
}

pub(super) static EXT: Extension =
    Extension::a_match(
        "bpf",
        BOTH,
        &[
            Opt::new("bytecode", Kind::Own(read_bytecode)),
            Opt::new("object-pinned", Kind::Own(|_, _| said("bpf: failed to get bpf object"))),
        ],
        build,
    )
    .check(|args| {
        if args.given.is_empty() { said("bpf: one of --bytecode or --pinned is required") } else { Ok(()) }
    });

/// `COUNT,CODE JT JF K,…`: the program's length, and four numbers for each instruction.
fn read_bytecode(text: &str, _: Cx) -> Result<Value, RuleError> {
    const MAX: usize = 64;
    let Some((count, program)) = text.split_once(',') else {
        return said("bpf: error parsing program length");
    };
    let Ok(count) = count.parse::<usize>() else { return said("bpf: error parsing program length") };
    if count == 0 {
        return said("bpf: illegal zero length program");
    }
    if count > MAX {
        return said("bpf: number of instructions exceeds maximum");
    }
    let mut printed = count.to_string();
    let mut instructions = program.split(',');
    for place in 0..count {
        let Some(text) = instructions.next() else {
            return said("bpf: parsed program length is less than the encoded length parameter");
        };
        match numbers(text) {
            Some([code, jt, jf, k]) => printed += &format!(",{code} {jt} {jf} {k}"),
            None => return said(format!("bpf: error at instr {place}")),
        }
    }
    Ok(Value::Text(printed.into()))
}

fn numbers(text: &str) -> Option<[u32; 4]> {
    let number = |word: &str| {
        let end = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
        word[..end].parse::<u32>().ok()
    };
    let all: Option<Vec<u32>> = text.split_whitespace().take(4).map(number).collect();
    all?.try_into().ok()
}

fn build(args: &Args) -> Result<Match, RuleError> {
    let text = args.text("bytecode").unwrap_or_default();
    let program = text.split(',').skip(1).filter_map(numbers);
    let instruction =
        |[code, jt, jf, k]: [u32; 4]| Instruction { code: code as u16, jt: jt as u8, jf: jf as u8, k };
    let mut kept = Kept::new(args);
    kept.put("bytecode", args.map("bytecode", |v| format!("\"{}\"", v.text())));
    kept.asking(Ask::Bpf(Program(program.map(instruction).collect())))
}

/// Offsets from the network header, and of what is no byte of the packet.
const NET_OFF: i32 = -0x10_0000;
const AD_OFF: i32 = -0x1000;
const AD_PROTOCOL: i32 = 0;
const AD_MARK: i32 = 20;

/// What the program may ask beside the packet's bytes.
struct Beside {
    protocol: u32,
    mark: u32,
}

impl Program {
    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let protocol = if cx.family.is_v4() { 0x0800 } else { 0x86dd };
        match self.run(&cx.skb.packet.wire(), &Beside { protocol, mark: cx.skb.mark }) {
            At::Known(n) => Test::new(n != 0, Fact::Number(n.into())),
            At::Unknown | At::Beyond => Test::not_told(NotTold::Payload),
        }
    }

    /// What the program returns: 0 where it reads beyond the packet's end.
    fn run(&self, wire: &Wire, beside: &Beside) -> At<u32> {
        let (mut a, mut x, mut memory) = (0u32, 0u32, [0u32; 16]);
        let mut at = 0;
        // A program only jumps forward, so it ends.
        while let Some(&Instruction { code, jt, jf, k }) = self.0.get(at) {
            at += 1;
            let operand = if code & 0x08 != 0 { x } else { k };
            let cell = memory.get_mut(k as usize % 16);
            match code & 0x07 {
                // Load into A.
                0x00 => {
                    let place = match code & 0xe0 {
                        0x00 => {
                            a = k;
                            continue;
                        }
                        0x20 => k,
                        0x40 => x.wrapping_add(k),
                        0x60 => {
                            a = cell.map_or(0, |c| *c);
                            continue;
                        }
                        0x80 => {
                            a = wire.len() as u32;
                            continue;
                        }
                        _ => return At::Known(0),
                    };
                    let size = match code & 0x18 {
                        0x08 => 2,
                        0x10 => 1,
                        _ => 4,
                    };
                    match load(wire, place as i32, size, beside) {
                        At::Known(n) => a = n,
                        At::Unknown => return At::Unknown,
                        At::Beyond => return At::Known(0),
                    }
                }
                // Load into X.
                0x01 => match code & 0xe0 {
                    0x00 => x = k,
                    0x60 => x = cell.map_or(0, |c| *c),
                    0x80 => x = wire.len() as u32,
                    _ => match load(wire, k as i32, 1, beside) {
                        At::Known(n) => x = (n & 0x0f) << 2,
                        At::Unknown => return At::Unknown,
                        At::Beyond => return At::Known(0),
                    },
                },
                0x02 => {
                    if let Some(cell) = cell {
                        *cell = a;
                    }
                }
                0x03 => {
                    if let Some(cell) = cell {
                        *cell = x;
                    }
                }
                0x04 => match calculate(code & 0xf0, a, operand) {
                    Some(n) => a = n,
                    None => return At::Known(0),
                },
                0x05 => {
                    let holds = match code & 0xf0 {
                        0x00 => {
                            at += k as usize;
                            continue;
                        }
                        0x10 => a == operand,
                        0x20 => a > operand,
                        0x30 => a >= operand,
                        _ => a & operand != 0,
                    };
                    at += usize::from(if holds { jt } else { jf });
                }
                0x06 => return At::Known(if code & 0x18 == 0x10 { a } else { k }),
                _ if code & 0xf8 == 0 => x = a,
                _ => a = x,
            }
        }
        At::Known(0)
    }
}

fn calculate(operation: u16, a: u32, b: u32) -> Option<u32> {
    Some(match operation {
        0x00 => a.wrapping_add(b),
        0x10 => a.wrapping_sub(b),
        0x20 => a.wrapping_mul(b),
        0x30 => a.checked_div(b)?,
        0x40 => a | b,
        0x50 => a & b,
        0x60 => a.wrapping_shl(b),
        0x70 => a.wrapping_shr(b),
        0x80 => a.wrapping_neg(),
        0x90 => a.checked_rem(b)?,
        0xa0 => a ^ b,
        _ => return None,
    })
}

fn load(wire: &Wire, place: i32, size: usize, beside: &Beside) -> At<u32> {
    let place = match place {
        0.. => place,
        AD_OFF..0 => {
            return match place - AD_OFF {
                AD_PROTOCOL => At::Known(beside.protocol),
                AD_MARK => At::Known(beside.mark),
                _ => At::Unknown,
            };
        }
        NET_OFF..AD_OFF => place - NET_OFF,
        _ => return At::Unknown,
    } as usize;
    wire.get(place..place + size).map(|bytes| bytes.iter().fold(0, |n, b| n << 8 | u32::from(*b)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Words, parse_packet};

    #[track_caller]
    fn check(program: &str, line: &str, want: At<u32>) {
        let program = Program(
            program
                .split(',')
                .filter_map(numbers)
                .map(|[code, jt, jf, k]| Instruction { code: code as u16, jt: jt as u8, jf: jf as u8, k })
                .collect(),
        );
        let packet = parse_packet(&mut Words::new(line)).expect("it is right");
        assert_eq!(program.run(&packet.wire(), &Beside { protocol: 0x0800, mark: 7 }), want);
    }

    #[test]
    fn programs_run() {
        // `ip proto 6`: ldb [9]; jeq #6.
        let tcp = "48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0";
        check(tcp, "tcp 10.0.0.1:1 > 10.0.0.2:2", At::Known(1));
        check(tcp, "udp 10.0.0.1:1 > 10.0.0.2:2", At::Known(0));
        // `udp dst port 53`: ldx 4*([0]&0xf); ldh [x+2]; jeq #53.
        let dns = "177 0 0 0,72 0 0 2,21 0 1 53,6 0 0 65535,6 0 0 0";
        check(dns, "udp 10.0.0.1:1 > 10.0.0.2:53", At::Known(65_535));
        check(dns, "udp 10.0.0.1:1 > 10.0.0.2:54", At::Known(0));
        check("32 0 0 28,22 0 0 0", "udp 10.0.0.1:1 > 10.0.0.2:54 payload=8", At::Unknown);
        check("32 0 0 28,6 0 0 1", "udp 10.0.0.1:1 > 10.0.0.2:54", At::Known(0));
        check("32 0 0 4294963220,22 0 0 0", "udp 10.0.0.1:1 > 10.0.0.2:54", At::Known(7));
    }
}
