//! The only promises that a layout has no padding and no invalid bit patterns.

#![expect(
    unsafe_code,
    reason = "`aya::Pod` is the marker that lets these cross the map boundary"
)]

use crate::generator::{GeneratorSizes, GeneratorState, SinkCounters};
use crate::{CutSet, FragmentKey, GeneratorSettings, HookCounters, IfaceEntry, Settings};

// SAFETY: 27 × u64 and then an even number of u32: no padding (the size is asserted), any bits valid.
unsafe impl aya::Pod for HookCounters {}
// SAFETY: two u64 first, then twelve u32: no padding (the size is asserted), any bits are valid.
unsafe impl aya::Pod for Settings {}
// SAFETY: u64 and u32 in pairs, u16 and u8 in fours: no padding (the sizes are asserted), any bits are
// valid.
unsafe impl aya::Pod for CutSet {}
// SAFETY: two u16 and a u32: no padding, any bits are valid.
unsafe impl aya::Pod for IfaceEntry {}
// SAFETY: 4 × u64, u32, 2 × u8, u16: no padding (the size is asserted), any bits are valid.
unsafe impl aya::Pod for FragmentKey {}
// SAFETY: nothing but u32.
unsafe impl aya::Pod for GeneratorSettings {}
// SAFETY: nothing but u32.
unsafe impl aya::Pod for GeneratorSizes {}
// SAFETY: seven u64, then two u32: no padding (the size is asserted), any bits are valid.
unsafe impl aya::Pod for GeneratorState {}
// SAFETY: two u64.
unsafe impl aya::Pod for SinkCounters {}
