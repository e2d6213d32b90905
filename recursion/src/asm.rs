//! A writer of assembly in which values have places instead of names.
//!
//! The compiler runs stack manipulation at compile time, so a program may leave every value where it was made and copy it to the top
//! when it needs it (`pick`): neither costs a cell. What is written here is straight-line code and loops that leave the
//! depth as it was.

use std::fmt::Write as _;

use p3_field::{BasedVectorSpace, PrimeCharacteristicRing, PrimeField64};
use plica_field::{Ext, Felt, Word};

/// The place of an item: items below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Slot(usize);

/// An element of the base field: an item, or a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scalar {
    At(Slot),
    Const(Felt),
}

/// An element of the cubic extension by its coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Cubic(pub(crate) [Scalar; 3]);

/// A word, first element first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Quad(pub(crate) [Scalar; 4]);

impl From<Felt> for Scalar {
    fn from(value: Felt) -> Self {
        Self::Const(value)
    }
}

impl From<Scalar> for Cubic {
    fn from(value: Scalar) -> Self {
        let zero = Scalar::Const(Felt::ZERO);
        Self([value, zero, zero])
    }
}

impl From<Felt> for Cubic {
    fn from(value: Felt) -> Self {
        Scalar::Const(value).into()
    }
}

impl From<Ext> for Cubic {
    fn from(value: Ext) -> Self {
        let c = <Ext as BasedVectorSpace<Felt>>::as_basis_coefficients_slice(&value);
        Self([c[0], c[1], c[2]].map(Scalar::Const))
    }
}

impl From<Word> for Quad {
    fn from(word: Word) -> Self {
        Self(word.map(Scalar::Const))
    }
}

impl Cubic {
    /// X.
    pub(crate) fn generator() -> Self {
        Self([Felt::ZERO, Felt::ONE, Felt::ZERO].map(Scalar::Const))
    }

    pub(crate) fn constant(self) -> Option<Felt> {
        match self.0 {
            [Scalar::Const(c), Scalar::Const(a), Scalar::Const(b)]
                if a == Felt::ZERO && b == Felt::ZERO =>
            {
                Some(c)
            }
            _ => None,
        }
    }
}

impl Quad {
    /// The first three elements: a challenge.
    pub(crate) const fn cubic(self) -> Cubic {
        let [a, b, c, _] = self.0;
        Cubic([a, b, c])
    }
}

/// The program so far, and how deep the stack is.
#[derive(Debug)]
pub(crate) struct Asm {
    text: String,
    depth: usize,
    /// The bodies around what is written next, the outermost first.
    bodies: Vec<Body>,
}

/// A body that is being written.
#[derive(Debug, Default)]
struct Body {
    /// Instructions in its current part.
    written: usize,
    /// Whether that part is in brackets.
    bracketed: bool,
}

/// Instructions in a part of a body. A body has at most 65,535; `repeat.1` makes one of its own and nothing else.
const PART: usize = 50_000;

/// Items that can be kept when others below them are dropped.
const REACH: usize = 15;

impl Asm {
    /// On a stack of this depth.
    pub(crate) fn new(depth: usize) -> Self {
        Self {
            text: String::new(),
            depth,
            bodies: vec![Body::default()],
        }
    }

    pub(crate) fn into_text(mut self) -> String {
        self.close_body();
        self.text
    }

    fn line(&mut self, text: &str) {
        let indent = 4 * self.bodies.len();
        writeln!(self.text, "{:indent$}{text}", "").expect("memory");
    }

    fn body(&mut self) -> &mut Body {
        self.bodies.last_mut().expect("inside a body")
    }

    fn close_body(&mut self) {
        if self.bodies.pop().is_some_and(|body| body.bracketed) {
            let indent = 4 * (self.bodies.len() + 1);
            writeln!(self.text, "{:indent$}end", "").expect("memory");
        }
    }

    pub(crate) const fn depth(&self) -> usize {
        self.depth
    }

    /// Items that are there already, by the number of items below the first.
    pub(crate) fn items<const N: usize>(from: usize) -> [Scalar; N] {
        std::array::from_fn(|i| Scalar::At(Slot(from + i)))
    }

    pub(crate) fn comment(&mut self, text: &str) {
        self.line(&format!("# {text}"));
    }

    /// Writes an instruction that takes `taken` items and leaves `given`.
    pub(crate) fn op(&mut self, instruction: &str, taken: usize, given: usize) {
        let count = instruction.split_whitespace().count();
        let body = self.body();
        body.written += count;
        if body.written >= PART {
            body.written = count;
            if std::mem::replace(&mut body.bracketed, true) {
                self.line("end");
            }
            self.line("repeat.1");
        }
        self.line(instruction);
        self.depth = self.depth - taken + given;
    }

    /// The items that the last instruction left.
    fn top<const N: usize>(&self) -> [Scalar; N] {
        Self::items(self.depth - N)
    }

    /// Puts values on top, the last one highest.
    pub(crate) fn load(&mut self, values: &[Scalar]) {
        let mut rest = values;
        while let Some(first) = rest.first() {
            match first {
                Scalar::Const(_) => {
                    let constants = rest.iter().map_while(|value| match value {
                        Scalar::Const(c) => Some(format!(".{}", c.as_canonical_u64())),
                        Scalar::At(_) => None,
                    });
                    let constants: Vec<String> = constants.take(16).collect();
                    let count = constants.len();
                    self.op(&format!("push{}", constants.concat()), 0, count);
                    rest = &rest[count..];
                }
                Scalar::At(Slot(at)) => {
                    let below = self.depth - 1 - at;
                    self.op(&format!("pick.{below}"), 0, 1);
                    rest = &rest[1..];
                }
            }
        }
    }

    /// Drops what is above a depth.
    pub(crate) fn drop_to(&mut self, depth: usize) {
        while self.depth >= depth + 4 {
            self.op("dropw", 4, 0);
        }
        while self.depth > depth {
            self.op("drop", 1, 0);
        }
    }

    /// Drops what is between a depth and values that are to stand there.
    pub(crate) fn settle(&mut self, depth: usize, values: &[Scalar]) {
        assert!((1..=REACH).contains(&values.len()), "out of reach");
        self.load(values);
        let instruction = match values.len() {
            1 => "swap drop".to_owned(),
            count => format!("movup.{count} drop"),
        };
        while self.depth > depth + values.len() {
            self.op(&instruction, 1, 0);
        }
    }

    fn block(&mut self, opening: &str, taken: usize, body: impl FnOnce(&mut Self)) {
        self.op(opening, taken, 0);
        self.bodies.push(Body::default());
        body(self);
        self.close_body();
        self.line("end");
    }

    /// A loop of a fixed length; the body must leave the depth as it was.
    pub(crate) fn repeat(&mut self, count: usize, body: impl FnOnce(&mut Self)) {
        let before = self.depth;
        self.block(&format!("repeat.{count}"), 0, body);
        assert_eq!(before, self.depth, "a loop must not change the depth");
    }

    /// A loop while the item on top is 1; the body must leave one item more.
    pub(crate) fn while_true(&mut self, body: impl FnOnce(&mut Self)) {
        let before = self.depth;
        self.block("while.true", 1, body);
        assert_eq!(before, self.depth, "a loop must not change the depth");
        self.depth -= 1;
    }

    /// A loop that runs as often as `count` says, whose value is not 0 if `begun`: the body gets what is carried from one iteration to the next and how many
    /// are left, this one included, and gives what is carried on. The compiler has a counter that steps to zero in the row that opens an iteration.
    pub(crate) fn count_down(
        &mut self,
        count: Scalar,
        begun: bool,
        carried: &[Scalar],
        body: impl FnOnce(&mut Self, &[Scalar], Scalar) -> Vec<Scalar>,
    ) -> Vec<Scalar> {
        let base = self.depth;
        let slots = |from: usize| (0..carried.len()).map(move |i| Scalar::At(Slot(from + i)));
        let counter = Scalar::At(Slot(base + carried.len()));
        self.load(carried);
        self.load(&[count]);
        if begun {
            self.load(&[Felt::ONE.into()]);
        } else {
            self.op("dup neq.0", 0, 1);
        }
        self.while_true(|asm| {
            let mut next = body(asm, &slots(base).collect::<Vec<_>>(), counter);
            assert_eq!(next.len(), carried.len(), "as much as before");
            next.push(asm.sub_base(counter, Felt::ONE.into()));
            asm.settle(base, &next);
            asm.op("dup neq.0", 0, 1);
        });
        slots(base).collect()
    }

    /// What is done if the item on top is 1; it must leave the depth as it was.
    pub(crate) fn if_true(&mut self, body: impl FnOnce(&mut Self)) {
        let before = self.depth - 1;
        self.block("if.true", 1, body);
        assert_eq!(before, self.depth, "a branch must not change the depth");
    }

    /// An instruction whose operands are loaded first, the last one on top.
    pub(crate) fn apply<const N: usize>(&mut self, op: &str, operands: &[Scalar]) -> [Scalar; N] {
        self.load(operands);
        self.op(op, operands.len(), N);
        self.top()
    }

    // Memory.

    pub(crate) fn store(&mut self, word: Quad, address: Scalar) {
        self.load(&word.0);
        self.load(&[address]);
        self.op("mem_storew dropw", 5, 0);
    }

    pub(crate) fn fetch(&mut self, address: Scalar) -> Quad {
        self.op("padw", 0, 4);
        self.load(&[address]);
        self.op("mem_loadw", 5, 4);
        Quad(self.top())
    }

    /// An access whose word nobody asks for: there is one for addresses below 2^32 only.
    pub(crate) fn touch(&mut self, address: Scalar) {
        self.op("padw", 0, 4);
        self.load(&[address]);
        self.op("mem_loadw dropw", 5, 0);
    }

    /// The next values of the advice stack. Fours at the end: with zeros in front they are words of what is hashed.
    pub(crate) fn read(&mut self, count: usize) -> Vec<Scalar> {
        let from = self.depth;
        if !count.is_multiple_of(4) {
            self.op(&format!("adv_push.{}", count % 4), 0, count % 4);
        }
        for _ in 0..count / 4 {
            self.op("adv_push.4", 0, 4);
        }
        (from..from + count).map(|i| Scalar::At(Slot(i))).collect()
    }

    pub(crate) fn read_word(&mut self) -> Quad {
        self.op("padw adv_loadw", 0, 4);
        Quad(self.top())
    }

    // The base field and 32-bit numbers.

    pub(crate) fn add_base(&mut self, a: Scalar, b: Scalar) -> Scalar {
        self.apply::<1>("add", &[a, b])[0]
    }

    pub(crate) fn sub_base(&mut self, a: Scalar, b: Scalar) -> Scalar {
        self.apply::<1>("sub", &[a, b])[0]
    }

    pub(crate) fn mul_base(&mut self, a: Scalar, b: Scalar) -> Scalar {
        self.load(&[a, b]);
        self.op("mul", 2, 1);
        self.top::<1>()[0]
    }

    /// The low half of an element.
    pub(crate) fn low_half(&mut self, a: Scalar) -> Scalar {
        self.load(&[a]);
        self.op("u32split drop", 1, 1);
        self.top::<1>()[0]
    }

    /// The lowest bits of a 32-bit number.
    pub(crate) fn low_bits(&mut self, a: Scalar, bits: usize) -> Scalar {
        if bits == 32 {
            return a;
        }
        self.load(&[a, Felt::from_u64((1 << bits) - 1).into()]);
        self.op("u32and", 2, 1);
        self.top::<1>()[0]
    }

    /// base^exponent for an exponent of this many bits.
    pub(crate) fn power_of(&mut self, base: Scalar, exponent: Scalar, bits: usize) -> Scalar {
        self.load(&[base, exponent]);
        self.op(&format!("exp.u{bits}"), 2, 1);
        self.top::<1>()[0]
    }

    /// Two comparisons of one instruction share a row.
    pub(crate) fn assert_equal(&mut self, a: &[Scalar], b: &[Scalar]) {
        let pairs: Vec<_> = a.iter().zip(b).filter(|(a, b)| a != b).collect();
        for pairs in pairs.chunks(4) {
            if let [(a, b)] = pairs {
                self.load(&[**a, **b]);
                self.op("assert_eq", 2, 0);
                continue;
            }
            let zero = Scalar::Const(Felt::ZERO);
            let mut words = [[zero; 4]; 2];
            for (i, (a, b)) in pairs.iter().enumerate() {
                words[0][i] = **a;
                words[1][i] = **b;
            }
            self.load(words.as_flattened());
            self.op("assert_eqw", 8, 0);
        }
    }

    pub(crate) fn assert_zero(&mut self, a: Scalar) {
        self.load(&[a]);
        self.op("assertz", 1, 0);
    }

    // The extension.

    pub(crate) fn add(&mut self, a: Cubic, b: Cubic) -> Cubic {
        match (a.constant(), b.constant()) {
            (Some(a), Some(b)) => (a + b).into(),
            (Some(a), _) if a == Felt::ZERO => b,
            (_, Some(b)) if b == Felt::ZERO => a,
            _ => self.binary("ext3add", a, b),
        }
    }

    pub(crate) fn sub(&mut self, a: Cubic, b: Cubic) -> Cubic {
        match (a.constant(), b.constant()) {
            (Some(a), Some(b)) => (a - b).into(),
            (_, Some(b)) if b == Felt::ZERO => a,
            _ => self.binary("ext3sub", a, b),
        }
    }

    pub(crate) fn mul(&mut self, a: Cubic, b: Cubic) -> Cubic {
        match (a.constant(), b.constant()) {
            (Some(a), Some(b)) => (a * b).into(),
            (Some(c), _) | (_, Some(c)) if c == Felt::ZERO => Felt::ZERO.into(),
            (Some(a), _) if a == Felt::ONE => b,
            (_, Some(b)) if b == Felt::ONE => a,
            _ => self.binary("ext3mul", a, b),
        }
    }

    pub(crate) fn mul_add(&mut self, a: Cubic, b: Cubic, c: Cubic) -> Cubic {
        let product = self.mul(a, b);
        self.add(product, c)
    }

    pub(crate) fn invert(&mut self, a: Cubic) -> Cubic {
        self.load(&a.0);
        self.op("ext3inv", 3, 3);
        Cubic(self.top())
    }

    /// a^exponent.
    pub(crate) fn power(&mut self, a: Cubic, exponent: usize) -> Cubic {
        let mut result: Cubic = Felt::ONE.into();
        for bit in (0..usize::BITS - exponent.leading_zeros()).rev() {
            result = self.mul(result, result);
            if exponent >> bit & 1 == 1 {
                result = self.mul(result, a);
            }
        }
        result
    }

    /// Σ xᵐ·cₘ.
    pub(crate) fn horner(&mut self, coefficients: &[Cubic], x: Cubic) -> Cubic {
        let zero: Cubic = Felt::ZERO.into();
        coefficients
            .iter()
            .rev()
            .fold(zero, |sum, &c| self.mul_add(sum, x, c))
    }

    fn binary(&mut self, instruction: &str, a: Cubic, b: Cubic) -> Cubic {
        self.load(&a.0);
        self.load(&b.0);
        self.op(instruction, 6, 3);
        Cubic(self.top())
    }

    // Hashes.

    pub(crate) fn merge(&mut self, a: Quad, b: Quad) -> Quad {
        self.load(&a.0);
        self.load(&b.0);
        self.op("hmerge", 8, 4);
        Quad(self.top())
    }

    /// The hash of a sequence.
    pub(crate) fn hash(&mut self, elements: &[Scalar]) -> Quad {
        let zero = Scalar::Const(Felt::ZERO);
        let mut capacity = [zero; 4];
        capacity[0] = Felt::from_usize(elements.len() % 8).into();
        let mut digest = Quad([zero; 4]);
        for block in elements.chunks(8) {
            self.load(&capacity);
            self.load(block);
            self.load(&vec![zero; 8 - block.len()]);
            self.op("hperm", 12, 12);
            let state = self.top::<12>();
            capacity.copy_from_slice(&state[..4]);
            digest.0.copy_from_slice(&state[4..8]);
        }
        digest
    }

    /// Node at a depth of the tree with this root.
    pub(crate) fn node(&mut self, root: Quad, depth: usize, index: Scalar) -> Quad {
        self.node_at(root, Felt::from_usize(depth).into(), index)
    }

    pub(crate) fn node_at(&mut self, root: Quad, depth: Scalar, index: Scalar) -> Quad {
        self.load(&root.0);
        self.load(&[index, depth]);
        self.op("mtree_get", 6, 8);
        Quad(self.top())
    }

    /// The sums of the message with this digest, of this many blocks: by powers of a in a block and of m from block to block; and at x.
    pub(crate) fn sums(
        &mut self,
        digest: Quad,
        blocks: usize,
        a: Cubic,
        m: Cubic,
        x: Scalar,
    ) -> (Cubic, Cubic) {
        self.sums_of_length(digest, Felt::from_usize(blocks).into(), a, m, x)
    }

    pub(crate) fn sums_of_length(
        &mut self,
        digest: Quad,
        blocks: Scalar,
        a: Cubic,
        m: Cubic,
        x: Scalar,
    ) -> (Cubic, Cubic) {
        self.load(&digest.0);
        self.load(&a.0);
        self.load(&m.0);
        self.load(&[x]);
        if let Scalar::Const(blocks) = blocks {
            let blocks = blocks.as_canonical_u64();
            self.op(&format!("sum_preimage.{blocks}"), 11, 6);
        } else {
            self.load(&[blocks]);
            self.op("sum_preimage", 12, 6);
        }
        let [s0, s1, s2, u0, u1, u2] = self.top();
        (Cubic([s0, s1, s2]), Cubic([u0, u1, u2]))
    }
}
