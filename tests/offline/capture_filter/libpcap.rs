//! What libpcap makes of an expression, through tcpdump; and a machine that runs it, slow and plain.

use std::path::{Path, PathBuf};
use std::process::Command;

/// An instruction as `tcpdump -ddd` prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Op {
    pub(super) code: u16,
    pub(super) jt: u32,
    pub(super) jf: u32,
    pub(super) k: u32,
}

/// Capture files without packets, one for each link type: libpcap compiles differently for files.
pub(super) struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    pub(super) fn new(links: &[u16]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for link in links {
            let mut header = Vec::new();
            header.extend(0xa1b2_c3d4_u32.to_le_bytes());
            header.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            header.extend(262_144_u32.to_le_bytes());
            header.extend(u32::from(*link).to_le_bytes());
            std::fs::write(Self::name(folder.path(), *link), header).unwrap();
        }
        Self { folder }
    }

    fn name(folder: &Path, link: u16) -> PathBuf {
        folder.join(format!("{link}.pcap"))
    }

    /// The program as `tcpdump -d` prints it.
    pub(super) fn print(&self, link: u16, text: &str) -> String {
        let output = Command::new("tcpdump")
            .arg("-r")
            .arg(Self::name(self.folder.path(), link))
            .args(["-d", "--", text])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// The program, or what tcpdump says against the expression.
    pub(super) fn compile(&self, link: u16, text: &str, optimize: bool) -> Result<Vec<Op>, String> {
        let mut command = Command::new("tcpdump");
        command
            .arg("-r")
            .arg(Self::name(self.folder.path(), link))
            .arg("-ddd");
        if !optimize {
            command.arg("-O");
        }
        let output = command.arg("--").arg(text).output().unwrap();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(said.lines().last().unwrap_or_default().to_owned());
        }
        let text = String::from_utf8(output.stdout).unwrap();
        let program = text.lines().skip(1).map(|line| {
            let numbers: Vec<u32> = line
                .split(' ')
                .map(|number| number.parse().unwrap())
                .collect();
            let [code, jt, jf, k] = numbers[..] else {
                panic!("not an instruction: {line}")
            };
            Op {
                code: code as u16,
                jt,
                jf,
                k,
            }
        });
        Ok(program.collect())
    }
}

/// Whether an instruction stands for a jump of the one before it, which is too long for its 8 bits.
fn is_long_jump(program: &[Op], at: usize) -> bool {
    let is_jump = |op: &Op| op.code & 7 == 5;
    program[at].code == 5
        && at > 0
        && is_jump(&program[at - 1])
        && (program[at - 1].code != 5 || is_long_jump(program, at - 1))
}

/// The program with long jumps taken into the instructions that they belong to.
pub(super) fn without_long_jumps(program: &[Op]) -> Vec<Op> {
    let gone: Vec<bool> = (0..program.len())
        .map(|at| is_long_jump(program, at))
        .collect();
    let place: Vec<usize> = (0..program.len())
        .map(|at| gone[..at].iter().filter(|gone| !**gone).count())
        .collect();
    let target = |at: usize, ahead: u32| {
        let mut to = at + 1 + ahead as usize;
        if gone[to] {
            to = to + 1 + program[to].k as usize;
        }
        (place[to] - place[at] - 1) as u32
    };
    let kept = (0..program.len()).filter(|at| !gone[*at]);
    kept.map(|at| {
        let op = program[at];
        match op.code {
            5 => Op {
                k: target(at, op.k),
                ..op
            },
            code if code & 7 == 5 => Op {
                jt: target(at, op.jt),
                jf: target(at, op.jf),
                ..op
            },
            _ => op,
        }
    })
    .collect()
}

/// Whether a program has a jump backwards, as `protochain` makes them.
pub(super) fn has_loop(program: &[Op]) -> bool {
    program
        .iter()
        .any(|op| op.code == 5 && op.k.cast_signed() <= 0)
}

/// Runs a program as `bpf_filter` does. A loop that does not end matches nothing: libpcap hangs.
pub(super) fn run(program: &[Op], data: &[u8], wire_len: u32) -> u32 {
    let (mut a, mut x, mut memory) = (0_u32, 0_u32, [0_u32; 16]);
    let mut at = 0_usize;
    for _ in 0..100_000 {
        let Op { code, jt, jf, k } = program[at];
        at += 1;
        let load = |offset: u64, size: u64| -> Option<u32> {
            let bytes = data.get(offset as usize..(offset + size) as usize)?;
            Some(
                bytes
                    .iter()
                    .fold(0, |sum, byte| sum << 8 | u32::from(*byte)),
            )
        };
        let size = match code & 0x18 {
            0x00 => 4,
            0x08 => 2,
            _ => 1,
        };
        let operand = if code & 8 != 0 { x } else { k };
        match code & 7 {
            0 | 1 => {
                let value = match code & 0xe0 {
                    0x00 => Some(k),
                    0x20 => load(u64::from(k), size),
                    0x40 => load(u64::from(k) + u64::from(x), size),
                    0x60 => Some(memory[k as usize]),
                    0x80 => Some(wire_len),
                    _ => load(u64::from(k), 1).map(|byte| (byte & 15) * 4),
                };
                let Some(value) = value else { return 0 };
                if code & 1 == 0 {
                    a = value;
                } else {
                    x = value;
                }
            }
            2 => memory[k as usize] = a,
            3 => memory[k as usize] = x,
            4 => {
                a = match code & 0xf0 {
                    0x00 => a.wrapping_add(operand),
                    0x10 => a.wrapping_sub(operand),
                    0x20 => a.wrapping_mul(operand),
                    0x30 | 0x90 if operand == 0 => return 0,
                    0x30 => a / operand,
                    0x40 => a | operand,
                    0x50 => a & operand,
                    0x60 if operand > 31 => 0,
                    0x60 => a << operand,
                    0x70 if operand > 31 => 0,
                    0x70 => a >> operand,
                    0x80 => 0_u32.wrapping_sub(a),
                    0x90 => a % operand,
                    _ => a ^ operand,
                }
            }
            5 => {
                let holds = match code & 0xf0 {
                    0x00 => {
                        at = at.checked_add_signed(k.cast_signed() as isize).unwrap();
                        continue;
                    }
                    0x10 => a == operand,
                    0x20 => a > operand,
                    0x30 => a >= operand,
                    _ => a & operand != 0,
                };
                at += if holds { jt } else { jf } as usize;
            }
            6 => return if code & 0x18 == 0x10 { a } else { k },
            _ if code & 0xf8 == 0 => x = a,
            _ => a = x,
        }
    }
    0
}
