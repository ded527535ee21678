//! Bob Jenkins' `lookup3` hash, which names hbase:meta's regions. Counterpart of `JenkinsHash`.

/// The 32-bit `lookup3` hash of `bytes` with start value `seed`.
pub fn jenkins_hash(bytes: &[u8], seed: u32) -> u32 {
    let start = 0xdead_beef_u32.wrapping_add(bytes.len() as u32).wrapping_add(seed);
    let (mut a, mut b, mut c) = (start, start, start);
    let mut rest = bytes;
    while rest.len() > 12 {
        (a, b, c) = add_block(a, b, c, rest);
        (a, b, c) = mix(a, b, c);
        rest = &rest[12..];
    }
    if rest.is_empty() {
        return c;
    }
    (a, b, c) = add_block(a, b, c, rest);
    final_mix(a, b, c)
}

/// Adds up to twelve little-endian bytes; missing ones count as zero.
fn add_block(a: u32, b: u32, c: u32, bytes: &[u8]) -> (u32, u32, u32) {
    let word = |from: usize| {
        (0..4).map(|i| u32::from(bytes.get(from + i).copied().unwrap_or(0)) << (8 * i)).sum::<u32>()
    };
    (a.wrapping_add(word(0)), b.wrapping_add(word(4)), c.wrapping_add(word(8)))
}

fn mix(mut a: u32, mut b: u32, mut c: u32) -> (u32, u32, u32) {
    for (r1, r2, r3) in [(4, 6, 8), (16, 19, 4)] {
        a = a.wrapping_sub(c) ^ c.rotate_left(r1);
        c = c.wrapping_add(b);
        b = b.wrapping_sub(a) ^ a.rotate_left(r2);
        a = a.wrapping_add(c);
        c = c.wrapping_sub(b) ^ b.rotate_left(r3);
        b = b.wrapping_add(a);
    }
    (a, b, c)
}

fn final_mix(mut a: u32, mut b: u32, mut c: u32) -> u32 {
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (c ^ b).wrapping_sub(b.rotate_left(24))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_meta_region() {
        let hash = jenkins_hash(b"hbase:meta,,1", 0) as i32;
        assert_eq!(hash.wrapping_abs(), 1_588_230_740);
    }

    #[test]
    fn known_value_of_lookup3() {
        assert_eq!(jenkins_hash(b"Four score and seven years ago", 0), 0x1777_0551);
        assert_eq!(jenkins_hash(b"", 0), 0xdead_beef);
    }
}
