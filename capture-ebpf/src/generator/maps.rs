//! The generator's settings and maps, with who writes and who reads them.

use aya_ebpf::Global;
use aya_ebpf::btf_maps::{Array, PerCpuArray};
use aya_ebpf::macros::btf_map;
use capture_common::GeneratorSettings;
use capture_common::generator::{GeneratorState, SinkCounters};

/// Patched in by userspace before the load, so the verifier sees constants.
#[unsafe(no_mangle)]
pub(crate) static GENERATOR_SETTINGS: Global<GeneratorSettings> =
    Global::new(GeneratorSettings::UNPATCHED);

/// One setting. [`Global::load`] would copy them all to the stack for each frame, because its read is
/// volatile; this reads the one that is wanted, where it is wanted.
macro_rules! setting {
    ($field:ident) => {{
        let settings = (&raw const $crate::maps::GENERATOR_SETTINGS)
            .cast::<::capture_common::GeneratorSettings>();
        // SAFETY: `Global` is transparent, so the pointer is that of valid settings.
        let field = unsafe { &raw const (*settings).$field };
        // SAFETY: as above. Volatile, because userspace changes the value after compilation.
        unsafe { field.read_volatile() }
    }};
}
pub(crate) use setting;

/// Where the generator is, and its counters. Written here, read by userspace.
#[btf_map]
pub(crate) static STATE: Array<GeneratorState, 1> = Array::new();

/// Counters of the sink, one copy per CPU. Written here, read by userspace.
#[btf_map]
pub(crate) static SINK: PerCpuArray<SinkCounters, 1> = PerCpuArray::new();
