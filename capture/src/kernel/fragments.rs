//! Writes into the object how a program at XDP learns whether a part of a frame lies in fragments.
//!
//! Its context does not say so, and the helper that knows the length of the whole frame is a call for every packet.
//! What the kernel made the context from has a flag for it, and since Linux 6.2 a program may look there, by a
//! function of the kernel's in whose place the verifier puts a single instruction. Its number, and where the flags
//! lie, are those of the running kernel. Where there is no such function, every frame is taken for one that may have
//! fragments, and the helper is asked.

use std::sync::OnceLock;

use capture_common::xdp_flags::PLACEHOLDER;

use super::btf::Btf;
use super::error::AttachError;

/// How it is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fragments {
    /// The flags are read: by the function of this number, at this offset.
    Flags { function: u32, at: i16 },
    /// Nobody says so.
    Unknown,
}

/// An instruction of BPF: operation, registers, offset, number (`include/uapi/linux/bpf.h`).
const fn insn(code: u8, registers: u8, offset: i16, number: u32) -> [u8; 8] {
    let [o0, o1] = offset.to_le_bytes();
    let [n0, n1, n2, n3] = number.to_le_bytes();
    [code, registers, o0, o1, n0, n1, n2, n3]
}

/// `BPF_JMP | BPF_CALL`.
const CALL: u8 = 0x85;
/// `BPF_LDX | BPF_MEM | BPF_W`.
const LOAD_WORD: u8 = 0x61;
/// `BPF_ALU64 | BPF_MOV | BPF_K`.
const MOVE_NUMBER: u8 = 0xb7;
/// `BPF_PSEUDO_KFUNC_CALL` as the source register.
const OF_THE_KERNEL: u8 = 2 << 4;

impl Fragments {
    /// What this kernel offers.
    pub(super) fn of_this_kernel() -> Self {
        static KNOWN: OnceLock<Fragments> = OnceLock::new();
        *KNOWN.get_or_init(|| {
            let found = std::fs::read("/sys/kernel/btf/vmlinux")
                .ok()
                .and_then(|bytes| Self::find(&Btf::parse(&bytes)?));
            found.unwrap_or(Self::Unknown)
        })
    }

    fn find(btf: &Btf<'_>) -> Option<Self> {
        let at = btf.field("xdp_buff", "flags")?;
        Some(Self::Flags {
            function: btf.function("bpf_cast_to_kern_ctx")?,
            at: i16::try_from(at).ok()?,
        })
    }

    /// Writes it into the object.
    pub(super) fn write(self, object: &mut [u8]) -> Result<(), AttachError> {
        let placeholder = [
            insn(CALL, 0, 0, PLACEHOLDER.cast_unsigned()),
            insn(LOAD_WORD, 0, 0, 0),
        ];
        let insns = match self {
            Self::Flags { function, at } => [
                insn(CALL, OF_THE_KERNEL, 0, function),
                insn(LOAD_WORD, 0, at, 0),
            ],
            Self::Unknown => [insn(MOVE_NUMBER, 0, 0, 1); 2],
        };
        let mut places = 0;
        // Code is aligned to instructions in the file.
        let (words, _) = object.as_chunks_mut::<8>();
        for index in 1..words.len() {
            if words[index - 1..=index] == placeholder {
                words[index - 1..=index].copy_from_slice(&insns);
                places += 1;
            }
        }
        if places == 0 {
            return Err(AttachError::Kernel {
                what: "writing into the eBPF object how fragments are known",
                reason: "the place is not there".to_owned(),
            });
        }
        Ok(())
    }
}
