//! Frames of which the driver put a part into fragments: wherever it is split, a frame is counted and copied to its
//! last byte.

use aya::TestRunOptions;
use aya::programs::{ProgramError, TestRun as _, Xdp};
use capture::kernel::Kernel;
use capture::packet::LinkType;
use capture_common::Hook;
use capture_tests::oracle::skip;

use crate::slow_ring::SlowRings;
use crate::steering::plan;

/// A TCP segment whose IPv4 header says that the frame has `said` bytes, and as many as make it `len`.
fn frame(said: u16, len: usize) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
    frame.extend((said - 14).to_be_bytes());
    frame.extend([0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend([0x12, 0x34, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10]);
    frame.extend((frame.len()..len).map(|at| at as u8));
    frame
}

/// Sends a frame of which so many bytes can be read directly; false if this kernel cannot make such.
fn run(kernel: &mut Kernel, frame: &[u8], direct: u32) -> bool {
    let program: &Xdp = kernel
        .ebpf_mut()
        .program("capture_xdp")
        .unwrap()
        .try_into()
        .unwrap();
    // `struct xdp_md` (`include/uapi/linux/bpf.h`): data, and its end, relative to it; queue 0 of loopback.
    let context = [0, direct, 0, 1, 0, 0].map(u32::to_ne_bytes).concat();
    let result = program.test_run(TestRunOptions {
        data_in: Some(frame),
        ctx_in: Some(&context),
        ..TestRunOptions::new()
    });
    match result {
        Ok(_) => true,
        Err(ProgramError::SyscallError(error))
            if error.io_error.raw_os_error() == Some(libc::EINVAL) =>
        {
            false
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_frame_in_pieces_is_counted_to_its_last_byte() {
    let mut kernel = match Kernel::load(&plan(LinkType::ETHERNET, 65_600, None)) {
        Ok(kernel) => kernel,
        Err(error) => return skip(&format!("the programs cannot be loaded: {error}")),
    };
    let mut ring = SlowRings::new(&kernel);
    let mut bytes = 0;
    for said in [54, 60, 70, 74, 300, 1500] {
        for len in [said, said + 1, said + 4, said + 30] {
            let len = usize::from(len).max(60);
            let frame = frame(said, len);
            let all = len as u32;
            for direct in [14, 20, 34, 54, 60, u32::from(said), all - 1, all] {
                if !run(&mut kernel, &frame, direct.min(all)) {
                    return skip("this kernel makes no frames in pieces for test runs");
                }
                bytes += u64::from(all);
                let record = ring.next().unwrap();
                let words: [u32; 2] =
                    [8, 12].map(|at| u32::from_ne_bytes(*record[at..].first_chunk().unwrap()));
                assert_eq!(words, [all; 2], "{said} said, {direct} direct");
                assert!(record[32..] == frame, "{said} said, {direct} direct");
            }
        }
    }
    let counters = kernel.counters(0, Hook::XdpIngress).unwrap();
    assert_eq!(counters.bytes, bytes);
    assert_eq!(counters.tcp, counters.packets);
}
