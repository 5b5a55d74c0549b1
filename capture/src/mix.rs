//! What tables and routes in userspace are hashed with: one multiplication instead of several, whose product
//! has twice the bits (Wang Yi's wyhash; foldhash).

/// The two halves of a product, added without carry: each bit depends on all bits of both, as long as nobody
/// can make one of them zero.
#[inline(always)]
pub(crate) const fn folded_product(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}
