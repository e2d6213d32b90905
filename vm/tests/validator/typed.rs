//! Attacks by name: types of operands, and traps of typed instructions.

use super::*;

/// The first fact of an instruction, to be changed.
fn fact(program: &mut Program, op: FactOp) -> &mut FactEntry {
    let facts = program.entries.iter_mut().filter_map(|entry| match entry {
        Entry::Fact(fact) => Some(fact),
        _ => None,
    });
    let mut facts = facts.filter(|fact| fact.op == op);
    facts.next().expect("the program has one")
}

#[test]
fn an_operand_that_is_no_integer() {
    for op in [
        FactOp::U32Mul,
        FactOp::U32Div,
        FactOp::U32And,
        FactOp::U32Xor,
        FactOp::U32Rotl,
        FactOp::BitLength,
        FactOp::Bits,
    ] {
        let mut p = named_program("integers");
        fact(&mut p, op).operands[0] = Operand::Cell(INPUT + 7);
        rejected!(p, E::Type { .. });
    }
    // A split takes it.
    let mut p = named_program("integers");
    fact(&mut p, FactOp::Split).operands[0] = Operand::Cell(INPUT + 7);
    assert_eq!(validate(&p), Ok(()));
}

/// The complement of a number is one; 31 less the length of a number is not.
#[test]
fn a_result_that_leaves_its_range() {
    let source = "begin u32assert u32clz u32not u32popcnt end";
    let p = program(source);
    assert_eq!(validate(&p), Ok(()));
    let complements = [(32, 31), (u64::from(u32::MAX), 1 << 32), (32, 1 << 40)];
    for (honest, forged) in complements {
        let mut p = program(source);
        let affine = |offset: u64| {
            ArithOp::affine(0, Felt::NEG_ONE, Felt::new(offset)).expect("has the form")
        };
        let (ArithOp::Affine { w: old, .. }, ArithOp::Affine { w: new, .. }) =
            (affine(honest), affine(forged))
        else {
            unreachable!("affine maps")
        };
        let ops = p.entries.iter_mut().filter_map(|entry| match entry {
            Entry::Arith(bundle) => Some(&mut bundle.ops),
            _ => None,
        });
        let mut changed = 0;
        for op in ops.flatten() {
            if let ArithOp::Affine { w, .. } = op
                && *w == old
            {
                *w = new;
                changed += 1;
            }
        }
        assert!(changed > 0);
        rejected!(p, E::Type { .. });
    }
}

/// The chip reads words that end with 0, so others must not be operands; nor may a scalar, which has one slot.
#[test]
fn an_operand_that_is_no_element_of_the_extension() {
    let source = "begin mem_loadw.1 ext3mul dup.2 dup.2 dup.2 ext3inv ext3sub end";
    let p = program(source);
    assert_eq!(validate(&p), Ok(()));
    let word = p.entries.iter().find_map(|entry| match entry {
        Entry::Effect(effect) if effect.op == EffectOp::LoadWord => Some(effect.id),
        _ => None,
    });
    for op in [FactOp::Ext3Mul, FactOp::Ext3Inverse, FactOp::Ext3ScaleAdd] {
        let places = op.signature().operands.len();
        for place in (0..places).filter(|&j| op.signature().operands[j] == Type::Ext3) {
            for other in [
                Operand::Cell(INPUT + 7),
                Operand::Cell(word.expect("loaded")),
            ] {
                let mut p = program(source);
                fact(&mut p, op).operands[place] = other;
                rejected!(p, E::Type { .. });
            }
            let mut p = program(source);
            fact(&mut p, op).operands[place] = Operand::Imm(Felt::ZERO);
            assert!(matches!(
                validate(&p),
                Err(E::Malformed { .. } | E::Type { .. })
            ));
        }
    }
    // The same word, but of four elements that may be anything.
    let mut p = program(source);
    let packed = fact(&mut p, FactOp::Ext3Pack);
    (packed.op, packed.operands[3]) = (FactOp::Pack, Operand::Cell(INPUT + 7));
    rejected!(p, E::Type { .. });
    // An element of the extension is a word that can be taken apart, but no scalar.
    let mut p = program(source);
    let element = fact(&mut p, FactOp::Ext3Mul).id;
    let last = Operand::Cell(fact(&mut p, FactOp::Ext3ScaleAdd).id);
    let unpacks =
        |e: &Entry| matches!(e, Entry::Fact(f) if f.op == FactOp::Unpack && f.operands[0] == last);
    assert!(p.entries.iter().any(unpacks));
    fact(&mut p, FactOp::Ext3ScaleAdd).operands[1] = Operand::Cell(element);
    rejected!(p, E::Type { .. });
}

/// The challenges of a sum are elements of the extension, its digest is any word; point and length are scalars.
#[test]
fn operands_of_sums_have_types() {
    let source = "begin mem_loadw.1 ext3mul sum_preimage end";
    let p = program(source);
    assert_eq!(validate(&p), Ok(()));
    let sum = |p: &mut Program| {
        let is_sum = |e: &Entry| matches!(e, Entry::Effect(e) if e.op == EffectOp::SumPreimage);
        find(p, is_sum)[0]
    };
    let word = p.entries.iter().find_map(|entry| match entry {
        Entry::Effect(effect) if effect.op == EffectOp::LoadWord => Some(effect.id),
        _ => None,
    });
    let word = Operand::Cell(word.expect("loaded"));
    let scalar = Operand::Cell(INPUT + 7);
    let constant = Operand::Imm(Felt::TWO);
    let mut p = program(source);
    let element = Operand::Cell(fact(&mut p, FactOp::Ext3Pack).id);
    // Digest, a, m, x, number of blocks.
    let allowed = [
        [true, true, false, false],
        [false, true, false, false],
        [false, true, false, false],
        [false, false, true, true],
        [false, false, true, true],
    ];
    for (place, allowed) in allowed.into_iter().enumerate() {
        let others = [word, element, scalar, constant];
        for (other, allowed) in others.into_iter().zip(allowed) {
            let mut p = program(source);
            let at = sum(&mut p);
            if let Entry::Effect(effect) = &mut p.entries[at] {
                effect.operands[place] = other;
            }
            let result = validate(&p);
            let refused = matches!(result, Err(E::Malformed { .. } | E::Type { .. }));
            assert_eq!(result.is_ok(), allowed, "{place}: {other:?}: {result:?}");
            assert_eq!(refused, !allowed, "{place}: {other:?}: {result:?}");
        }
    }
}

/// What is copied as a word is an element of the extension only if all that is copied to its place is.
#[test]
fn a_choice_between_an_element_of_the_extension_and_a_word() {
    let source = "begin
        dup.5 dup.5 dup.5 dup.5 dup.5 dup.5 ext3mul movup.3
        if.true swapw hash swapw else swapw push.1.2.3.4 hmerge swapw end
        ext3inv drop drop
    end";
    let p = program(source);
    assert_eq!(validate(&p), Ok(()));
    let gates = find(&p, |e| matches!(e, Entry::Copy(e) if e.word));
    assert_eq!(gates.len(), 2);
    let chosen = results(&p.entries[gates[0]]).start;
    for copied in 0..4 {
        let mut p = program(source);
        let element = fact(&mut p, FactOp::Ext3Mul).id;
        for (j, &gate) in gates.iter().enumerate() {
            if let Entry::Copy(gate) = &mut p.entries[gate]
                && copied >> j & 1 == 1
            {
                gate.src[0] = element;
            }
        }
        assert_eq!(validate(&p), Ok(()));
        fact(&mut p, FactOp::Ext3Inverse).operands[0] = Operand::Cell(chosen);
        if copied == 3 {
            assert_eq!(validate(&p), Ok(()));
        } else {
            rejected!(p, E::Type { .. });
        }
    }
}

/// An inverse in the extension that nobody reads is read by a touch, through one of its elements.
#[test]
fn dropped_inverse_in_the_extension() {
    let mut p = program("begin ext3inv drop drop drop end");
    assert_eq!(validate(&p), Ok(()));
    let element = fact(&mut p, FactOp::Unpack).id;
    let mut touched = 0;
    for entry in &mut p.entries {
        if let Entry::Assert(check) = entry {
            for slot in &mut check.slots {
                if *slot == Operand::Cell(element) {
                    *slot = Operand::Imm(Felt::ZERO);
                    touched += 1;
                }
            }
        }
    }
    assert_eq!(touched, 1);
    rejected!(p, E::Unanchored { .. });
}

/// What enters the loop is a 32-bit number because a step hands one on, and the other way round.
#[test]
fn a_loop_that_hands_on_no_integer() {
    let mut p = named_program("integers_in_a_loop");
    assert_eq!(validate(&p), Ok(()));
    let product = fact(&mut p, FactOp::U32Mul);
    (product.op, product.operands[1]) = (FactOp::Power, Operand::Imm(Felt::ZERO));
    product.operands[2] = Operand::Imm(Felt::ZERO);
    rejected!(p, E::Type { .. });
}

#[test]
fn a_shift_by_no_power_of_two() {
    for factor in [0, 3, (1 << 31) + 1] {
        let mut p = named_program("integers");
        fact(&mut p, FactOp::U32Rotl).operands[1] = Operand::Imm(Felt::new(factor));
        rejected!(p, E::Malformed { .. });
    }
    let mut p = named_program("integers");
    let rotation = fact(&mut p, FactOp::U32Rotl);
    rotation.operands[1] = rotation.operands[0];
    rejected!(p, E::Malformed { .. });
}

/// A division by a constant always has a row, one by a cell must be read.
#[test]
fn dropped_integer_division() {
    let p = program("begin u32assert u32div.3 drop end");
    assert!(
        find(
            &p,
            |e| matches!(e, Entry::Fact(e) if e.op == FactOp::U32Div)
        )
        .is_empty()
    );
    let mut p = program("begin u32assert2 u32div drop end");
    let at = find(
        &p,
        |e| matches!(e, Entry::Fact(e) if e.op == FactOp::U32Div),
    )[0];
    assert!(p.entries[at].traps());
    for entry in &mut p.entries {
        if let Entry::Assert(touch) = entry {
            touch.slots = [Operand::Cell(INPUT); 4];
        }
    }
    rejected!(p, E::Unanchored { .. });
}
