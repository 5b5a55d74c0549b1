//! The generator's settings and maps, with who writes and who reads them.

use aya_ebpf::Global;
use aya_ebpf::btf_maps::{Array, PerCpuArray};
use aya_ebpf::macros::btf_map;
use capture_common::generator::{GeneratorState, SinkCounters};
use capture_common::{GeneratorSettings, GeneratorSizes};

/// Patched in by userspace before the load, so the verifier sees constants.
#[unsafe(no_mangle)]
pub(crate) static GENERATOR_SETTINGS: Global<GeneratorSettings> =
    Global::new(GeneratorSettings::UNPATCHED);

/// Patched in likewise.
#[unsafe(no_mangle)]
pub(crate) static GENERATOR_SIZES: Global<GeneratorSizes> = Global::new(GeneratorSizes::NONE);

/// The settings where they lie. [`Global::load`] would copy them all to the stack for each frame; fields
/// have to be read with a volatile read, as `capture_common::generator::script` does.
#[inline(always)]
pub(crate) fn settings() -> &'static GeneratorSettings {
    let settings = (&raw const GENERATOR_SETTINGS).cast::<GeneratorSettings>();
    // SAFETY: `Global` is transparent, so the pointer is that of valid settings, which nobody writes
    // while a program can run.
    unsafe { &*settings }
}

/// The sizes where they lie, as [`settings`].
#[inline(always)]
pub(crate) fn sizes() -> &'static GeneratorSizes {
    let sizes = (&raw const GENERATOR_SIZES).cast::<GeneratorSizes>();
    // SAFETY: as above.
    unsafe { &*sizes }
}

/// Where the generator is, and its counters. Written here, read by userspace.
#[btf_map]
pub(crate) static STATE: Array<GeneratorState, 1> = Array::new();

/// Counters of the sink, one copy per CPU. Written here, read by userspace.
#[btf_map]
pub(crate) static SINK: PerCpuArray<SinkCounters, 1> = PerCpuArray::new();
