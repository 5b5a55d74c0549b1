//! `bpf(2)` by hand: programs from bare instructions, loaded and run on bytes, apart from the loader
//! that the program under test uses.

#![expect(unsafe_code, reason = "there is no wrapper for bpf(2)")]

use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use capture::filter::capture::ebpf::{ContextKind, Insn};

const BPF_PROG_LOAD: libc::c_long = 5;
const BPF_PROG_TEST_RUN: libc::c_long = 10;
const BPF_PROG_TYPE_SCHED_CLS: u32 = 3;
const BPF_PROG_TYPE_XDP: u32 = 6;
const BPF_F_XDP_HAS_FRAGS: u32 = 1 << 5;

/// The part of `union bpf_attr` that loads a program (`linux/bpf.h`).
#[repr(C)]
#[derive(Default)]
struct LoadAttributes {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
    prog_name: [u8; 16],
    prog_ifindex: u32,
    expected_attach_type: u32,
}

/// The part that runs one.
#[repr(C)]
#[derive(Default)]
struct RunAttributes {
    prog_fd: u32,
    retval: u32,
    data_size_in: u32,
    data_size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
    ctx_size_in: u32,
    ctx_size_out: u32,
    ctx_in: u64,
    ctx_out: u64,
    flags: u32,
    cpu: u32,
    batch_size: u32,
    padding: u32,
}

fn bpf<T>(command: libc::c_long, attributes: &mut T) -> io::Result<i32> {
    let size = size_of::<T>();
    // SAFETY: the attributes are those of the command, and what they point to outlives the call.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, &raw mut *attributes, size) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result as i32)
}

/// A program in the kernel.
#[derive(Debug)]
pub(crate) struct Loaded(OwnedFd);

impl Loaded {
    /// Loads instructions, or gives what the verifier says.
    pub(crate) fn new(context: ContextKind, insns: &[Insn]) -> Result<Self, String> {
        let bytes: Vec<u64> = insns
            .iter()
            .map(|insn| u64::from_ne_bytes(insn.bytes()))
            .collect();
        let mut attributes = LoadAttributes {
            insn_cnt: insns.len() as u32,
            insns: bytes.as_ptr() as u64,
            license: c"GPL".as_ptr() as u64,
            ..LoadAttributes::default()
        };
        match context {
            ContextKind::Xdp => {
                attributes.prog_type = BPF_PROG_TYPE_XDP;
                attributes.prog_flags = BPF_F_XDP_HAS_FRAGS;
            }
            ContextKind::SkBuff => attributes.prog_type = BPF_PROG_TYPE_SCHED_CLS,
        }
        let fd = bpf(BPF_PROG_LOAD, &mut attributes).or_else(|_| {
            let mut log = vec![0_u8; 64 << 20];
            attributes.log_level = 1;
            attributes.log_size = log.len() as u32;
            attributes.log_buf = log.as_mut_ptr() as u64;
            bpf(BPF_PROG_LOAD, &mut attributes).map_err(|error| {
                let log = String::from_utf8_lossy(&log);
                format!("{error}: {}", log.trim_end_matches('\0'))
            })
        })?;
        // SAFETY: the kernel has just made it, and nobody else has it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Runs it on a packet; gives what it returns.
    pub(crate) fn run(&self, packet: &[u8]) -> io::Result<u32> {
        let mut attributes = RunAttributes {
            prog_fd: self.0.as_raw_fd().cast_unsigned(),
            data_size_in: packet.len() as u32,
            data_in: packet.as_ptr() as u64,
            repeat: 1,
            ..RunAttributes::default()
        };
        bpf(BPF_PROG_TEST_RUN, &mut attributes)?;
        Ok(attributes.retval)
    }
}
