//! Programs that together use every chip and every kind of row.

/// (name, source, inputs)
pub(crate) const ALL: &[(&str, &str, &[u64])] = &[
    ("loop", LOOP, &[5, 3, 2]),
    ("odd loop", ODD_LOOP, &[5, 3, 2]),
    ("wide loop", WIDE_LOOP, &[3, 1, 2, 3, 4, 5, 6, 7]),
    ("calls", CALLS, &[5, 11]),
    ("three calls", THREE_CALLS, &[5, 11, 2]),
    ("branch with effects", EFFECTS, &[1, 5]),
    ("branch with effects, not taken", EFFECTS, &[0, 5]),
    ("gates", GATES, &[1, 5]),
    ("division", "begin div end", &[3, 12]),
    ("dropped inverse", "begin inv drop end", &[3]),
    ("equality", "begin push.5 assert_eq end", &[5]),
    ("tests", "begin eq.3 swap eq.4 add end", &[3, 5]),
    ("32-bit arithmetic", U32, &[5, 7]),
    ("32-bit products", PRODUCTS, &[5, 7]),
    ("32-bit quotients", QUOTIENTS, &[5, 7]),
    (
        "shifts",
        "begin u32shl.3 u32shr.1 u32rotl.5 u32rotr.7 end",
        &[1 << 30],
    ),
    (
        "bitwise",
        "begin dup.1 u32and u32or.12 u32xor.10 end",
        &[5, 7],
    ),
    (
        "powers",
        "begin pow2 swap u32clz add u32popcnt end",
        &[5, 7],
    ),
    ("checks", CHECKS, &[1, 2, 3, 4, 5]),
    ("hashing", HASHING, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
    ("hash chain", HASH_CHAIN, &[3, 1, 2, 3, 4]),
    ("the extension", EXTENSION, &[1, 2, 3, 4, 5, 6]),
    ("elements in memory", ELEMENTS, &[7, 100, 5, 6]),
    ("advice", ADVICE, &[1, 2, 3, 4]),
    ("words in memory", WORDS, &[1, 2, 3, 4]),
    ("contexts", CONTEXTS, &[1, 2]),
    ("stack in memory", SPILLED, &[2, 5]),
    ("recursion", RECURSION, &[2, 5]),
    ("paths in a tree", PATHS, &[4, 3, 2, 1, 8, 7, 6, 5, 2, 1]),
    ("sums of a message", SUMS, &[8, 7, 6, 5, 4, 3, 2, 1, 23, 1]),
];

/// A procedure with memory of its own, called twice.
pub(crate) const CONTEXTS: &str = "
proc.f mem_load.5 add dup mem_store.5 mem_storew.6 end
begin
    push.3 mem_store.5 call.f call.f mem_load.5 add mem_loadw.6
end";

/// A loop that pushes its counters, and one that adds them up.
pub(crate) const SPILLED: &str = "
begin
    dup neq.0 while.true dup sub.1 dup neq.0 end
    sdepth neq.16 while.true add sdepth neq.16 end
end";

/// [n, x, ..]: doubles x n times, each time by a procedure that runs itself.
pub(crate) const RECURSION: &str = "
proc.f swap dup add swap sub.1 dup neq.0 if.true push.40 dynexec else nop end end
begin
    procref.f mem_storew.40 dropw push.40 dynexec
end";

/// Checks, additions and subtractions of 32-bit numbers, with and without constants.
pub(crate) const U32: &str = "
begin
    u32overflowing_add.9 drop dup.1 u32overflowing_sub add
end";

/// Products, one of which has the low half 0, and splits.
pub(crate) const PRODUCTS: &str = "
begin
    dup.1 dup.1 u32overflowing_mul add
    dup.1 dup.3 u32overflowing_madd add u32wrapping_mul.3
    mul.4294967296 u32split add add
end";

/// Quotients and remainders, with and without constants.
pub(crate) const QUOTIENTS: &str = "
begin
    dup.1 u32divmod add u32divmod.3 add
end";

/// Words are put together, permuted, hashed and taken apart, with a chain in which they stay words.
pub(crate) const HASHING: &str = "begin hperm hmerge hash hmerge push.1.2.3.4 hmerge end";

/// All instructions of the cubic extension, with values and with constants, and an inverse that nobody reads.
pub(crate) const EXTENSION: &str = "
begin
    dup.5 dup.5 dup.5 dup.5 dup.5 dup.5 ext3mul dup.8 dup.8 dup.8 ext3add ext3inv ext3sub ext3div
    push.5.0.0 ext3mul push.7.8.9 ext3add dup.2 dup.2 dup.2 ext3inv drop drop drop
end";

/// [n, A, ..]: A ↦ hash(A), n times: a loop that carries a word.
pub(crate) const HASH_CHAIN: &str = "
begin
    dup neq.0
    while.true
        movdn.15 hash movup.15 sub.1 dup neq.0
    end
end";

/// Advice as elements and as a word.
pub(crate) const ADVICE: &str = "
begin
    adv_push.3 add add adv_loadw mem_storew.5 adv_push.1 add add
end";

/// [B, A, d, i]: reads and replaces nodes of a tree with A and B as leaves, twice, at depths known and not known.
pub(crate) const PATHS: &str = "
begin
    mtree_merge dupw mtree_merge
    dup.5 push.2 mtree_get
    add.1 swapw dup.9 push.2 mtree_set
    swapw dup.9 dup.9 mtree_get swapdw dropw dropw
end";

/// [B, A, x, 1]: sums over A and B, once at x and at challenges that are sums before, four times at constants of which three are the same.
pub(crate) const SUMS: &str = "
begin
    adv.insert_hdword hmerge
    dupw push.3.5.7.11.13.17.19 sum_preimage.1 ext3add
    dup.6 dup.6 dup.6 dup.6 push.3.5.7.11.13.17.19 sum_preimage.1 ext3add ext3add
    dup.6 dup.6 dup.6 dup.6 push.3.5.7.11.13.17.19 sum_preimage.1 ext3add ext3add
    dup.6 dup.6 dup.6 dup.6 push.7.5.3.2.2.2.0 sum_preimage.1 ext3add ext3add
    dup.2 dup.2 dup.2 movup.10 movup.11 sum_preimage
end";

/// Stores at a computed address and at constants, loads of both, the second store to one address kept by a load.
pub(crate) const ELEMENTS: &str = "
begin
    dup.1 mem_store mem_store.7 dup mem_load.7 add swap mem_load.100 add mem_store.7 mem_load.7
    swap mem_load.300 add add
end";

/// A word stored and overwritten in part.
pub(crate) const WORDS: &str = "
begin
    mem_storew.9 add.1 mem_storew.9 push.77 mem_store.9 mem_loadw.9 add mem_loadw.10 mem_loadw.9
end";

/// [n, acc, ..]: acc ↦ acc² + 3, n times.
pub(crate) const LOOP: &str = "
begin
    dup neq.0
    while.true
        sub.1 swap dup mul add.3 swap dup neq.0
    end
    drop
end";

/// [n, x, y]: (x, y) ↦ (x + y, x), n times: one instruction per iteration, which has no partner.
pub(crate) const ODD_LOOP: &str = "
begin
    dup neq.0
    while.true
        movdn.2 swap dup.1 add movup.2 sub.1 dup neq.0
    end
    drop
end";

/// More values in the loop than a step row hands on.
pub(crate) const WIDE_LOOP: &str = "
begin
    dup neq.0
    while.true
        movdn.7
        dup mul add.1 swap dup mul add.1 movup.2 dup mul add.1 movup.3 dup mul add.1
        movup.4 dup mul add.1 movup.5 dup mul add.1 movup.6 dup mul add.1
        movup.7 sub.1 dup neq.0
    end
    drop
end";

/// One procedure, too large to be inlined, called twice at one depth of the stack.
pub(crate) const CALLS: &str = "
proc.mix
    repeat.12
        dup mul add.7 dup.1 mul
    end
    swap drop
end
begin
    dup.1 exec.mix
    dup.1 exec.mix
    add
end";

/// The same with three.
pub(crate) const THREE_CALLS: &str = "
proc.mix
    repeat.12
        dup mul add.7 dup.1 mul
    end
    swap drop
end
begin
    dup.1 exec.mix
    dup.1 exec.mix
    dup.1 exec.mix
    add add
end";

/// A branch with effects needs rows in the chain.
pub(crate) const EFFECTS: &str = "
begin
    if.true dup push.5 assert_eq else dup neq.0 assert end
end";

/// A branch without effects is gates only.
pub(crate) const GATES: &str = "
begin
    if.true add.10 else mul.3 end
end";

/// A check per step.
pub(crate) const CHECKS: &str = "
begin
    push.1 assert_eq push.2 assert_eq push.3 assert_eq push.4 assert_eq push.5 assert_eq
end";
