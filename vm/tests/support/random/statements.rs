//! Statements beside the core of the language. Most are valid; a few fail on some values.
//!
//! Each leaves the depth as it is and the first `base` elements alone: it copies variables to the top, computes, and
//! puts results in the place of variables.

use plica_field::{Felt, Word};
use plica_hash_rpo::hash_elements;

use super::{Generator, VARIABLES};

/// Numbers at which something changes.
pub(super) const CONSTANTS: &[u64] = &[
    0,
    1,
    2,
    31,
    32,
    33,
    63,
    64,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 2,
    (1 << 32) - 1,
    1 << 32,
    (1 << 32) + 1,
    0x0123_4567_89ab_cdef,
    0xffff_ffff_0000_0000 - 1,
    0xffff_ffff_0000_0000,
];

/// Addresses in use: few, so that stores and loads meet.
const ADDRESSES: &[u64] = &[0, 1, 2, 3, 4, 5, (1 << 30) + 1, (1 << 32) - 1];

/// Messages of one to three blocks, with their digests.
pub(super) fn messages() -> [(Word, Vec<Felt>); 3] {
    [1, 2, 3].map(|blocks| {
        let elements: Vec<Felt> = (0..8 * blocks)
            .map(|i| Felt::new(CONSTANTS[(5 * i + blocks) % CONSTANTS.len()]))
            .collect();
        (hash_elements(&elements), elements)
    })
}

impl Generator {
    /// Copies a variable to the top, on which there are `above` elements already.
    fn fetch(&mut self, base: usize, above: usize) {
        let variable = self.variable();
        self.line(&format!("dup.{}", base + variable + above));
    }

    /// Moves the top into a variable, below `above` other elements.
    fn keep(&mut self, base: usize, above: usize) {
        let variable = self.rng.below(VARIABLES);
        self.line(&format!("swap.{} drop", base + variable + above + 1));
    }

    /// Copies a variable as a 32-bit integer. Once in a while it is whatever it is, which may fail.
    fn fetch_u32(&mut self, base: usize, above: usize) {
        self.fetch(base, above);
        match self.rng.below(40) {
            0 => {}
            1..=10 => self.line("u32split swap drop"),
            _ => self.line("u32cast"),
        }
    }

    fn constant_u32(&mut self) -> u64 {
        loop {
            let constant = *self.rng.pick(CONSTANTS);
            if constant >> 32 == 0 {
                return constant;
            }
        }
    }

    /// A statement of one of the features.
    pub(super) fn more(&mut self, base: usize, nesting: usize) {
        type Writer = fn(&mut Generator, usize, usize);
        let on = self.features;
        let writers: [(bool, Writer); 14] = [
            (true, |g, base, _| g.large_constant(base)),
            (on.comparisons, |g, base, _| g.comparison(base)),
            (on.extension, |g, base, _| g.extension(base)),
            (on.ext3, |g, base, _| g.ext3(base)),
            (on.ext3, |g, base, _| g.sums(base)),
            (on.u32, |g, base, _| g.u32_statement(base)),
            (on.stark, |g, base, _| g.stark(base)),
            (on.memory, |g, base, _| g.memory(base)),
            (on.locals, |g, base, _| g.local(base)),
            (on.dynamic_depth, Generator::dynamic),
            (on.calls, |g, base, _| g.call(base)),
            (on.hashing, |g, base, _| g.hash(base)),
            (on.merkle, |g, base, _| g.merkle(base)),
            (on.advice, |g, base, _| g.advice(base)),
        ];
        let writers: Vec<Writer> = writers
            .into_iter()
            .filter_map(|(on, writer)| on.then_some(writer))
            .collect();
        self.rng.pick(&writers)(self, base, nesting);
    }

    fn large_constant(&mut self, base: usize) {
        let constant = *self.rng.pick(CONSTANTS);
        self.line(&format!("push.{constant}"));
        self.keep(base, 0);
    }

    fn comparison(&mut self, base: usize) {
        self.fetch(base, 0);
        let constant = *self.rng.pick(CONSTANTS);
        let op = *self.rng.pick(&["lt", "lte", "gt", "gte"]);
        match self.rng.below(9) {
            0..=1 => self.line(&format!("{op}.{constant}")),
            2..=4 => {
                self.fetch(base, 1);
                self.line(op);
            }
            5 => self.line("is_odd"),
            6 => self.line("dup eq.0 add ilog2"),
            7 => {
                self.fetch(base, 1);
                let bits = 4 + self.rng.below(60);
                if self.rng.below(2) == 0 {
                    self.line("exp");
                } else {
                    self.line(&format!("is_odd exp.u{bits}"));
                }
            }
            _ => {
                let exponent = self.rng.below(70);
                self.line(&format!("eq.{constant} mul.{exponent} pow2"));
            }
        }
        self.keep(base, 0);
    }

    fn extension(&mut self, base: usize) {
        let op = *self.rng.pick(&[
            "ext2add", "ext2sub", "ext2mul", "ext2div", "ext2neg", "ext2inv",
        ]);
        let operands = if op == "ext2neg" || op == "ext2inv" {
            2
        } else {
            4
        };
        for above in 0..operands {
            self.fetch(base, above);
            // The lower half of the divisor is not zero.
            if above + 2 == operands && self.rng.below(20) > 0 {
                self.line("dup eq.0 add");
            }
        }
        self.line(op);
        self.keep(base, 1);
        self.keep(base, 0);
    }

    /// A chain in which elements stay values, and then one that becomes variables.
    fn ext3(&mut self, base: usize) {
        let element = |g: &mut Self, above: usize| match g.rng.below(8) {
            0 => {
                let constant = g.rng.below(3);
                g.line(&format!("push.{constant}.{}.0", constant / 2));
            }
            1 => {
                g.fetch(base, above);
                g.line("push.0.0");
            }
            // As far down as `dup` reaches.
            _ => (0..3).for_each(|n| g.fetch(base, (above + n).min(4))),
        };
        element(self, 0);
        for _ in 0..1 + self.rng.below(3) {
            if self.rng.below(4) > 0 {
                element(self, 3);
                let op = *self.rng.pick(&["ext3add", "ext3sub", "ext3mul", "ext3mul"]);
                self.line(op);
            } else {
                // The constant coefficient is not 0, so that the element is not, but for one in a while.
                if self.rng.below(20) > 0 {
                    self.line("movup.2 dup eq.0 add movdn.2");
                }
                match self.rng.below(3) {
                    0 => self.line("dup.2 dup.2 dup.2 ext3inv drop drop drop"),
                    1 => self.line("dup.2 dup.2 dup.2 ext3div"),
                    _ => self.line("ext3inv"),
                }
            }
        }
        for above in (0..3).rev() {
            self.keep(base, above);
        }
    }

    /// Sums of one of the messages of the advice.
    fn sums(&mut self, base: usize) {
        let messages = messages();
        let (digest, elements) = self.rng.pick(&messages);
        let digest = digest.map(|element| element.to_string());
        self.line(&format!("push.{}", digest.join(".")));
        self.fetch(base, 4);
        for _ in 0..6 {
            match self.rng.below(4) {
                0 => self.line("dup"),
                1 => self.line("dup.1 dup.1 add"),
                _ => {
                    let constant = *self.rng.pick(CONSTANTS);
                    self.line(&format!("push.{constant}"));
                }
            }
        }
        // Seldom another number of blocks, which fails.
        let blocks = elements.len() / 8 + usize::from(self.rng.below(30) == 0);
        match self.rng.below(3) {
            0 => self.line(&format!("push.{blocks} sum_preimage")),
            // One, and the others.
            1 => self.line(&format!("dup dup eq add.{} sum_preimage", blocks - 1)),
            _ => self.line(&format!("sum_preimage.{blocks}")),
        }
        let ends = [
            "ext3add",
            "ext3mul",
            "drop drop drop",
            "movup.5 movup.5 movup.5 drop drop drop",
        ];
        let end = *self.rng.pick(&ends);
        self.line(end);
        for above in (0..3).rev() {
            self.keep(base, above);
        }
    }

    fn u32_statement(&mut self, base: usize) {
        self.fetch_u32(base, 0);
        let constant = self.constant_u32();
        let binary = *self.rng.pick(&[
            "wrapping_add",
            "wrapping_sub",
            "wrapping_mul",
            "and",
            "or",
            "xor",
            "lt",
            "lte",
            "gt",
            "gte",
            "min",
            "max",
        ]);
        let double = *self
            .rng
            .pick(&["overflowing_add", "overflowing_sub", "overflowing_mul"]);
        let division = *self.rng.pick(&["div", "mod"]);
        let unary = *self
            .rng
            .pick(&["not", "popcnt", "clz", "ctz", "clo", "cto"]);
        let shift = *self.rng.pick(&["shl", "shr", "rotl", "rotr"]);
        match self.rng.below(15) {
            0..=2 => {
                self.fetch_u32(base, 1);
                self.line(&format!("u32{binary}"));
            }
            3 => self.line(&format!("u32{binary}.{constant}")),
            4..=5 => {
                self.fetch_u32(base, 1);
                self.line(&format!("u32{double}"));
                self.keep(base, 1);
            }
            6 => {
                self.line(&format!("u32{double}.{constant}"));
                self.keep(base, 1);
            }
            7 => {
                self.fetch_u32(base, 1);
                self.line(&format!("dup eq.0 add u32cast dup eq.0 add u32{division}"));
            }
            8 => {
                let divisor = constant.max(1);
                self.line(&format!("u32divmod.{divisor}"));
                self.keep(base, 1);
            }
            9 => self.line(&format!("u32{unary}")),
            10 => {
                self.fetch_u32(base, 1);
                // The original does not check what `u32rotr` rotates.
                self.line(&format!("u32assert2 u32and.31 u32{shift}"));
            }
            11 => {
                let amount = self.rng.below(32);
                self.line(&format!("u32{shift}.{amount}"));
            }
            12 => {
                self.fetch_u32(base, 1);
                self.fetch_u32(base, 2);
                let op = *self.rng.pick(&["add3", "madd"]);
                if self.rng.below(2) == 0 {
                    self.line(&format!("u32wrapping_{op}"));
                } else {
                    self.line(&format!("u32overflowing_{op}"));
                    self.keep(base, 1);
                }
            }
            13 => {
                self.fetch(base, 1);
                let test = *self.rng.pick(&["u32test", "u32testw"]);
                self.line(&format!("{test} swap drop"));
                self.keep(base, 1);
            }
            _ => {
                self.line("u32assert u32assert.err=3");
                self.fetch(base, 1);
                self.line("u32split");
                self.keep(base, 2);
                self.keep(base, 1);
            }
        }
        self.keep(base, 0);
    }

    /// Both instructions take more than copies of variables can reach, so what is copied last is partly what was copied before.
    fn stark(&mut self, base: usize) {
        const REACH: usize = 3;
        if self.features.memory && self.rng.below(2) == 0 {
            // a and z, then x, r, p, T0, .., T7
            for _ in 0..2 {
                // The original wraps the last address.
                let address = (*self.rng.pick(ADDRESSES)).min(1 << 31);
                self.line(&format!("push.{address}"));
            }
            for above in 2..15 {
                self.fetch(base, above.min(REACH));
            }
            self.line("rcomb_base repeat.14 swap mul.3 add end");
            return self.keep(base, 0);
        }
        // The layer, α, the expected value, and the power, which is not 0.
        for above in 0..6 {
            self.fetch(base, above.min(REACH));
        }
        let segment = self.rng.below(4);
        self.line(&format!("dup eq.0 add push.{segment}"));
        self.fetch(base, REACH);
        for value in 0..8 {
            if value / 2 == segment && self.rng.below(20) > 0 {
                self.line(&format!("dup.{}", 2 * segment + 4));
            } else {
                self.fetch(base, REACH);
            }
        }
        self.line("fri_ext2fold4 repeat.14 swap mul.3 add end");
        self.keep(base, 0);
    }

    fn memory(&mut self, base: usize) {
        let address = *self.rng.pick(ADDRESSES);
        // Half of the addresses are on the stack, some of them only known when the program runs.
        let operand = match self.rng.below(5) {
            0..=1 => format!(".{address}"),
            2..=3 => format!(" push.{address}"),
            _ => format!(" dup.{} eq.1", base + self.rng.below(4)),
        };
        let access = |op: &str| match operand.strip_prefix('.') {
            Some(address) => format!("{op}.{address}"),
            None => format!("{operand} {op}"),
        };
        match self.rng.below(6) {
            0 => {
                self.line(&access("mem_load"));
                self.keep(base, 0);
            }
            1 => {
                self.fetch(base, 0);
                self.line(&access("mem_store"));
            }
            2 => {
                for above in 0..4 {
                    self.fetch(base, above);
                }
                self.line(&format!("{} dropw", access("mem_storew")));
            }
            3 => self.line(&access("mem_storew")),
            4 => {
                self.line(&format!("padw {}", access("mem_loadw")));
                for above in (0..4).rev() {
                    self.keep(base, above);
                }
            }
            _ => {
                // The original wraps the last address.
                let address = address.min(1 << 31);
                self.line(&format!("push.{address} padw padw padw mem_stream"));
                self.line(
                    "repeat.7 swap mul.3 add end swap drop swap drop swap drop swap drop swap drop",
                );
                self.keep(base, 0);
            }
        }
    }

    fn local(&mut self, base: usize) {
        if self.locals == 0 {
            return self.line("nop");
        }
        let index = self.rng.below(self.locals);
        match self.rng.below(5) {
            0 => {
                self.line(&format!("loc_load.{index}"));
                self.keep(base, 0);
            }
            1 => {
                self.fetch(base, 0);
                self.line(&format!("loc_store.{index}"));
            }
            2 => self.line(&format!("loc_storew.{index}")),
            3 => {
                self.line(&format!("padw loc_loadw.{index}"));
                for above in (0..4).rev() {
                    self.keep(base, above);
                }
            }
            _ => {
                let access = if self.features.memory {
                    " mem_load"
                } else {
                    ""
                };
                self.line(&format!("locaddr.{index}{access}"));
                self.keep(base, 0);
            }
        }
    }

    /// Pushes a number of elements that depends on variables, counted on top, and folds them into one.
    fn dynamic(&mut self, base: usize, nesting: usize) {
        if nesting == 0 || self.rng.below(6) == 0 {
            self.line("sdepth");
            return self.keep(base, 0);
        }
        self.fetch(base, 0);
        let constant = self.rng.below(4);
        self.line(&format!("eq.{constant}"));
        for _ in 0..2 {
            self.fetch(base, 1);
            let constant = self.rng.below(4);
            self.line(&format!("neq.{constant} add"));
        }
        if self.rng.below(2) == 0 {
            let factor = 1 + self.rng.below(8);
            self.line(&format!("mul.{factor}"));
        }
        // [to go, pushed]
        self.line("push.0 swap dup neq.0 while.true");
        self.fetch(base, 2);
        self.line("movdn.2 sub.1 swap add.1 swap dup neq.0 end drop");
        self.body(base + 1, nesting);
        self.line("dup neq.0 while.true sub.1 movdn.2 add swap dup neq.0 end drop");
    }

    fn call(&mut self, base: usize) {
        if self.callable == 0 {
            return self.line("nop");
        }
        let procedure = self.rng.below(self.callable);
        // Procedures leave their first elements alone, which are counters only if there are that many.
        if base > super::PROCEDURE_BASE {
            return self.line("nop");
        }
        if !self.features.memory || self.rng.below(2) == 0 {
            return self.line(&format!("call.p{procedure}"));
        }
        let how = *self.rng.pick(&["dynexec", "dyncall"]);
        self.line(&format!(
            "procref.p{procedure} mem_storew.1000 dropw push.1000 {how}"
        ));
    }

    fn hash(&mut self, base: usize) {
        for above in 0..4 {
            self.fetch(base, above);
        }
        match self.rng.below(3) {
            0 => self.line("hash"),
            1 => self.line("dupw hmerge"),
            _ => self.line("dupw dupw hperm swapw dropw swapw dropw"),
        }
        for above in (0..4).rev() {
            self.keep(base, above);
        }
    }

    /// A tree of two leaves, or twice the same one below a root. A node is read, replaced or verified, at a depth and an index that the
    /// compiler may or may not know.
    fn merkle(&mut self, base: usize) {
        for above in 0..4 {
            self.fetch(base, above);
        }
        self.line("dupw add.1 mtree_merge");
        let levels = 1 + self.rng.below(2);
        if levels == 2 {
            self.line("dupw mtree_merge");
        }
        let instruction = self.rng.below(3);
        if instruction == 1 {
            self.line("push.5.6.7.8 swapw");
        }
        // Once in a while too deep or too far to the right.
        let slip = usize::from(self.rng.below(20) == 0);
        let index = self.rng.below((1 << levels) + slip);
        let depth = levels + slip * self.rng.below(2);
        match self.rng.below(3) {
            0 => self.line(&format!("push.{index}")),
            1 => self.line(&format!("dup eq.77 add.{index}")),
            _ => self.line(&format!("dup is_odd add.{}", index / 2)),
        }
        match self.rng.below(3) {
            0..=1 => self.line(&format!("push.{depth}")),
            _ => self.line(&format!("dup.1 eq.78 add.{depth}")),
        }
        // [d, i, R, ..]
        match instruction {
            0 => self.line("mtree_get swapw dropw"),
            1 => self.line("mtree_set dropw"),
            _ => self.line(
                "dup.1 dup.1 movdn.7 movdn.7 mtree_get movup.9 movup.9 movdn.5 movdn.5 mtree_verify.err=2 dropw drop drop",
            ),
        }
        for above in (0..4).rev() {
            self.keep(base, above);
        }
    }

    fn advice(&mut self, base: usize) {
        match self.rng.below(5) {
            0 => {
                self.line("adv_push.1");
                self.keep(base, 0);
            }
            1 => {
                self.line("adv_push.2");
                self.keep(base, 1);
                self.keep(base, 0);
            }
            2 => {
                self.line("padw adv_loadw");
                for above in (0..4).rev() {
                    self.keep(base, above);
                }
            }
            3 => {
                let address = self.rng.below(4);
                if self.features.memory {
                    self.line(&format!(
                        "push.{address} padw padw padw adv_pipe dropw dropw dropw drop"
                    ));
                } else {
                    self.line("adv_push.1 drop");
                }
            }
            _ => {
                // What was hashed is found again under the digest.
                for above in 0..4 {
                    self.fetch(base, above);
                }
                self.line("dupw adv.insert_hdword hmerge adv.push_mapvaln adv_push.9 repeat.9 swap mul.3 add end");
                self.keep(base, 3);
                self.line("drop drop drop");
            }
        }
    }
}
