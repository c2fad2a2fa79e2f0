//! Bob Jenkins' hash of three words, as the kernel has it (`include/linux/jhash.h`).

const INITIAL: u32 = 0xdead_beef;

/// The hash of three words under a seed (`jhash_3words`).
pub fn words3(words: [u32; 3], seed: u32) -> u32 {
    let start = seed.wrapping_add(INITIAL).wrapping_add(3 << 2);
    let [mut a, mut b, mut c] = words.map(|w| w.wrapping_add(start));
    let step = |x: u32, y: u32, turn: u32| (x ^ y).wrapping_sub(y.rotate_left(turn));
    c = step(c, b, 14);
    a = step(a, c, 11);
    b = step(b, a, 25);
    c = step(c, b, 16);
    a = step(a, c, 4);
    b = step(b, a, 14);
    step(c, b, 24)
}

/// A number below `end` in proportion to the hash (`reciprocal_scale`).
pub fn scale(hash: u32, end: u32) -> u32 {
    ((u64::from(hash) * u64::from(end)) >> 32) as u32
}
