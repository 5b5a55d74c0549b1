//! Any text as a capture filter: compiled for a link type, run on packets, translated for the kernel, said
//! in words; and any bytes as a program. The input is laid out as that of `display_filter.rs`; one that
//! begins with `#` is a program, of instructions of eight bytes as the kernel has them.

use capture::filter::capture::ebpf::{self, ContextKind, Disassembly, Programs};
use capture::filter::capture::{Filter, FilterOptions, Insn, Optimize, Origin, Program};

use super::display_filter::parts;
use crate::seeds::{link_type, packets_of};

pub(super) fn run(bytes: &[u8]) {
    if let Some(program) = bytes.strip_prefix(b"#") {
        return run_program(program);
    }
    let Some((text, rest)) = parts(bytes) else {
        return;
    };
    let (link, rest) = rest.split_first().unwrap_or((&0, &[]));
    let options = |optimize, origin| FilterOptions {
        optimize,
        origin,
        ..FilterOptions::default()
    };
    let origin = if *link & 0x80 == 0 {
        Origin::File
    } else {
        Origin::Live
    };
    let plain = Filter::new(text, &options(Optimize::No, origin));
    let filter = match Filter::new(text, &options(Optimize::Yes, origin)) {
        Ok(filter) => filter,
        Err(error) => {
            assert!(plain.is_err(), "optimizing comes later");
            let span = error.span();
            assert!(span.start <= span.end && span.end <= text.len(), "{error}");
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert!(!filter.explain().is_empty() || text.trim().is_empty());
    let link = link_type(*link & 0x7f);
    let program = match filter.compile(link) {
        Ok(program) => program,
        Err(error) => {
            assert!(error.span().end <= text.len(), "{error}");
            return;
        }
    };
    let machine = program.validate().unwrap_or_else(|error| panic!("{error}"));
    assert!(!program.to_string().is_empty());
    for data in packets_of(rest) {
        let wire_len = data.len() as u32;
        let kept = machine.run(data, wire_len);
        assert_eq!(kept != 0, machine.keeps(data, wire_len));
    }
    translate(&program);
    // What is not optimized is longer, and has to hold all the same.
    if let Ok(plain) = plain
        && let Ok(program) = plain.compile(link)
    {
        let machine = program.validate().unwrap_or_else(|error| panic!("{error}"));
        for data in packets_of(rest) {
            let _kept = machine.run(data, data.len() as u32);
        }
    }
}

fn run_program(bytes: &[u8]) {
    let (insns, rest) = bytes.as_chunks::<8>();
    let insns = insns
        .iter()
        .map(|[c0, c1, jt, jf, k0, k1, k2, k3]| Insn {
            code: u16::from_le_bytes([*c0, *c1]),
            jt: u32::from(*jt),
            jf: u32::from(*jf),
            k: u32::from_le_bytes([*k0, *k1, *k2, *k3]),
        })
        .collect();
    let program = Program { insns };
    let Ok(machine) = program.validate() else {
        assert_eq!(program.run(rest, 0), 0, "what is not valid keeps nothing");
        return;
    };
    assert!(!program.to_string().is_empty());
    let kept = machine.run(bytes, bytes.len() as u32);
    assert_eq!(program.run(bytes, bytes.len() as u32), kept);
    translate(&program);
}

fn translate(program: &Program) {
    let programs = Programs {
        ethernet: Some(program),
        raw_ip: Some(program),
    };
    for context in [ContextKind::Xdp, ContextKind::SkBuff] {
        if let Ok(insns) = ebpf::translate(context, &programs) {
            assert!(!Disassembly(&insns).to_string().is_empty());
        }
    }
}
