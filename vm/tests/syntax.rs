//! What the parser makes of each form of the language.

use Instruction as I;
use plica_field::Felt;
use plica_vm::syntax::{
    Body, DebugRange, DirectoryModules, Exponent, Imm, Immediate, Instruction, InvokeKind,
    MemoryModules, NoModules, NodeKind, Opcode, Program, Section, Trivial, parse_program,
};

#[track_caller]
fn program(text: &str) -> Program {
    parse_program(text, "test", &NoModules)
        .unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error)))
}

/// The code of the diagnostic, without `masm::`.
#[track_caller]
fn code(text: &str) -> String {
    let error = parse_program(text, "test", &NoModules).unwrap_err();
    let code = miette::Diagnostic::code(&error).unwrap().to_string();
    code.strip_prefix("masm::").unwrap().to_owned()
}

/// The instruction that `text` stands for, after definitions.
#[track_caller]
fn instruction_with(definitions: &str, text: &str) -> Instruction {
    let program = program(&format!("{definitions} begin {text} nop end"));
    match &program.main[..] {
        [node, _] => match &node.kind {
            NodeKind::Op(instruction) => instruction.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn instruction(text: &str) -> Instruction {
    instruction_with("", text)
}

fn push(values: &[u64]) -> Instruction {
    I::Push(values.iter().map(|&value| Felt::new(value)).collect())
}

fn literal(value: u32) -> Option<Imm<u32>> {
    Some(Imm {
        value,
        literal: true,
    })
}

#[test]
fn element_immediates_are_decimal_hexadecimal_or_constant() {
    let five = Some(Felt::new(5));
    assert_eq!(instruction("add"), I::Add(None));
    assert_eq!(instruction("add.5"), I::Add(five));
    assert_eq!(instruction("eq.0x05"), I::Eq(five));
    assert_eq!(instruction_with("const.A=5", "lte.A"), I::Lte(five));
    assert_eq!(code("begin add.0b101 end"), "operand_form");
    assert_eq!(instruction("push.18446744069414584321"), push(&[0]));
    assert_eq!(
        code("begin push.18446744069414584322 end"),
        "literal_too_large"
    );
}

#[test]
fn push_takes_words_and_keeps_the_order() {
    assert_eq!(instruction("push.1.2.3"), push(&[1, 2, 3]));
    let word = "0x341200000000000078560000000000001290000000000000cdab000000000000";
    assert_eq!(
        instruction(&format!("push.{word}.7")),
        push(&[0x1234, 0x5678, 0x9012, 0xabcd, 7])
    );
    assert_eq!(code(&format!("begin add.{word} end")), "operand_form");
    assert_eq!(
        code(&format!("const.A={word} begin add.A end")),
        "unexpected_token"
    );
}

#[test]
fn u32_immediates_also_take_binary_and_know_whether_they_are_literal() {
    assert_eq!(
        instruction("u32wrapping_add.0b101"),
        I::U32WrappingAdd(literal(5))
    );
    assert_eq!(instruction("mem_load.0x0a"), I::MemLoad(Some(10)));
    let constant = Some(Imm {
        value: 5,
        literal: false,
    });
    assert_eq!(
        instruction_with("const.A=5", "u32wrapping_add.A"),
        I::U32WrappingAdd(constant)
    );
    assert_eq!(instruction("assert.err=0b11"), I::Assert(3));
    assert_eq!(
        instruction_with("const.A=9", "mtree_verify.err=A"),
        I::MTreeVerify(9)
    );
    assert_eq!(instruction("emit.7"), I::Emit(7));
    assert_eq!(code("begin u32and.4294967296 end"), "out_of_range");
    assert_eq!(code("const.A=0-1 begin u32and.A end"), "out_of_range");
    assert_eq!(code("begin push.0b101 end"), "operand_form");
    assert_eq!(
        code(&format!("begin u32and.0b{} end", "1".repeat(33))),
        "binary_length"
    );
}

#[test]
fn small_immediates_are_decimal_or_constant() {
    assert_eq!(instruction("u32shl.31"), I::U32Shl(Some(31)));
    assert_eq!(
        instruction_with("const.A=3", "u32rotr.A"),
        I::U32Rotr(Some(3))
    );
    assert_eq!(code("begin u32shl.32 end"), "out_of_range");
    assert_eq!(code("begin u32shl.0x01 end"), "operand_form");
    assert_eq!(instruction("adv.push_mapval"), I::AdvPushMapVal(0));
    assert_eq!(instruction("adv.push_mapvaln.12"), I::AdvPushMapValN(12));
    assert_eq!(code("begin adv.push_mapval.13 nop end"), "out_of_range");
    assert_eq!(
        code("proc.f.1 loc_load.0x00 end begin exec.f end"),
        "operand_form"
    );
}

#[test]
fn indices_are_decimal_only() {
    assert_eq!(instruction("dup"), I::Dup(0));
    assert_eq!(instruction("dup.015"), I::Dup(15));
    assert_eq!(instruction("swap"), I::Swap(1));
    assert_eq!(instruction("adv_push.16"), I::AdvPush(16));
    for text in ["dup.A", "dup.0x01", "movup.0b10"] {
        assert_eq!(
            code(&format!("const.A=1 begin {text} end")),
            "operand_form",
            "{text}"
        );
    }
    for text in [
        "dup.16",
        "dupw.4",
        "swap.0",
        "swapw.4",
        "movup.1",
        "movdn.16",
        "movupw.4",
        "movdnw.1",
        "adv_push.17",
    ] {
        assert_eq!(code(&format!("begin {text} end")), "out_of_range", "{text}");
    }
    for text in [
        "movup", "movdn", "movupw", "movdnw", "adv_push", "push", "emit", "trace", "loc_load",
        "locaddr",
    ] {
        assert_eq!(
            code(&format!("begin {text} end")),
            "missing_operand",
            "{text}"
        );
    }
}

#[test]
fn exponents_are_on_the_stack_bounded_or_given() {
    assert_eq!(instruction("exp"), I::Exp(Exponent::Stack));
    assert_eq!(instruction("exp.u063"), I::Exp(Exponent::Bits(63)));
    assert_eq!(
        instruction("exp.0x10"),
        I::Exp(Exponent::Value(Felt::new(16)))
    );
    assert_eq!(code("begin exp.u64 end"), "out_of_range");
    assert_eq!(code("begin exp.u end"), "operand_form");
}

#[test]
fn debug_instructions_take_ranges() {
    assert_eq!(instruction("debug.stack"), I::DebugStack(None));
    assert_eq!(instruction("debug.stack.4"), I::DebugStack(Some(4)));
    assert_eq!(
        instruction("debug.mem.0x04.0b111"),
        I::DebugMem(DebugRange::Interval(4, 7))
    );
    assert_eq!(
        instruction("debug.local.3"),
        I::DebugLocal(DebugRange::One(3))
    );
    assert_eq!(code("begin debug.mem.1.2.3 end"), "too_many_operands");
    assert_eq!(code("begin debug.nothing end"), "unknown_instruction");
}

#[test]
fn literals_are_trivial_and_constants_are_not() {
    let trivial = |text: &str| instruction_with("const.ZERO=0 const.ONE=1", text).trivial();
    for text in [
        "u32wrapping_add.0",
        "u32wrapping_sub.0",
        "u32or.0",
        "u32xor.0",
        "u32div.1",
        "u32wrapping_mul.1",
    ] {
        assert_eq!(trivial(text), Some(Trivial::Nothing), "{text}");
        assert_eq!(
            trivial(&text.replace(".0", ".ZERO").replace(".1", ".ONE")),
            None,
            "{text}"
        );
    }
    for text in ["u32shl.0", "u32shr.0", "u32rotl.ZERO", "u32rotr.ZERO"] {
        assert_eq!(trivial(text), Some(Trivial::Nothing), "{text}");
    }
    for text in ["mul.0", "mul.ZERO", "u32and.0", "u32wrapping_mul.0"] {
        assert_eq!(trivial(text), Some(Trivial::DropThenZero), "{text}");
    }
    assert_eq!(trivial("exp.0"), Some(Trivial::DropThenOne));
    assert_eq!(trivial("exp.ZERO"), Some(Trivial::DropThenOne));
    for text in [
        "u32and.ZERO",
        "u32wrapping_mul.ZERO",
        "u32overflowing_add.0",
        "u32mod.1",
        "u32divmod.1",
        "add.0",
    ] {
        assert_eq!(trivial(text), None, "{text}");
    }
}

#[test]
fn net_effects_follow_the_immediates() {
    let net = |text: &str| instruction(text).net_effect();
    assert_eq!(net("add"), -1);
    assert_eq!(net("add.1"), 0);
    assert_eq!(net("exp.u8"), -1);
    assert_eq!(net("exp.8"), 0);
    assert_eq!(net("u32not"), 0);
    assert_eq!(net("u32not.3"), 1);
    assert_eq!(net("u32overflowing_add.3"), 1);
    assert_eq!(net("mem_load.3"), 1);
    assert_eq!(net("mem_store"), -2);
    assert_eq!(net("push.1.2.3"), 3);
    assert_eq!(net("adv_push.5"), 5);
    assert_eq!(net("dup.3"), 1);
}

#[test]
fn spaces_are_free_and_tokens_end_where_they_must() {
    let spaced = program("begin push . 1\n.2 drop\r\n drop end");
    assert_eq!(spaced.main.len(), 3);
    assert_eq!(program("begin push.5add end").main.len(), 2);
    assert_eq!(program("const.A=5 begin push.Aadd end").main.len(), 2);
    assert_eq!(instruction("add.1# comment\n"), I::Add(Some(Felt::new(1))));
}

#[test]
fn constants_are_evaluated_in_the_field() {
    let value =
        |expression: &str| instruction_with(&format!("const.B=7 const.A={expression}"), "push.A");
    const P: u64 = plica_field::MODULUS;
    for (expression, expected) in [
        ("10-3-2", 5),
        ("3-5", P - 2),
        ("2+3*4", 14),
        ("(2+3)*4", 20),
        ("5*(2+3)//4", 6),
        ("100//7//2", 7),
        ("(0-1)//2", (P - 1) / 2),
        ("1/2", P.div_ceil(2)),
        ("B*B+0x01", 50),
        ("((((1))))", 1),
        ("18446744069414584321 + 3", 3),
    ] {
        assert_eq!(value(expression), push(&[expected]), "{expression}");
    }
    assert_eq!(code("const.A=1+ begin nop end"), "unexpected_token");
    assert_eq!(code("const.A=0b1 begin nop end"), "unexpected_token");
}

#[test]
fn constants_may_follow_their_use_in_code_only() {
    assert_eq!(program("begin push.A end const.A=1").main.len(), 1);
    assert_eq!(
        code("const.A=B const.B=1 begin nop end"),
        "undefined_constant"
    );
}

#[test]
fn names_follow_the_rules() {
    for name in [
        "a",
        "aB_9",
        "_a",
        "_9_",
        "\"A-b$!?<>:.\"",
        "add",
        "end",
        "begin",
        "proc",
        "exec",
        "\"if\"",
    ] {
        let text = format!("proc.{name} nop end begin exec.{name} end");
        assert!(parse_program(&text, "test", &NoModules).is_ok(), "{name}");
    }
    for name in [
        "if",
        "while",
        "true",
        "false",
        "use",
        "nop",
        "fri_ext2fold4",
        "rcomb_base",
        "push_mapval",
        "insert_mem",
    ] {
        assert_eq!(
            code(&format!("proc.{name} nop end begin nop end")),
            "reserved_name",
            "{name}"
        );
    }
    for name in ["Ab", "__a", "_A", "_aB"] {
        assert_eq!(
            code(&format!("proc.{name} nop end begin nop end")),
            "invalid_name",
            "{name}"
        );
    }
    assert_eq!(
        code("proc.\"a b\" nop end begin nop end"),
        "unexpected_token"
    );
    assert_eq!(
        program("proc.\"foo\" nop end begin exec.foo end").procedures[0].name,
        "foo"
    );
}

#[test]
fn if_false_exchanges_the_branches() {
    let shape = |text: &str| match &program(text).main[0].kind {
        NodeKind::If {
            then,
            otherwise,
            has_else,
        } => (then.len(), otherwise.len(), *has_else),
        other => panic!("{other:?}"),
    };
    assert_eq!(shape("begin if.true nop end end"), (1, 0, false));
    assert_eq!(shape("begin if.false nop end end"), (0, 1, false));
    assert_eq!(
        shape("begin if.true nop nop else nop end end"),
        (2, 1, true)
    );
    assert_eq!(
        shape("begin if.false nop nop else nop end end"),
        (1, 2, true)
    );
    assert_eq!(shape("begin if.true else nop end end"), (0, 1, true));
}

#[test]
fn procedures_come_callees_first_and_unreachable_ones_not_at_all() {
    let program = program(
        "begin exec.a call.d end proc.a exec.b exec.c end proc.b exec.c end proc.c.3 nop end \
         proc.unused exec.a end proc.d procref.c end",
    );
    let names: Vec<&str> = program
        .procedures
        .iter()
        .map(|procedure| procedure.name.as_str())
        .collect();
    assert_eq!(names, ["c", "b", "a", "d"]);
    assert_eq!(program.procedures[0].locals, 3);
    for (index, procedure) in program.procedures.iter().enumerate() {
        for node in &procedure.body {
            if let NodeKind::Exec(id) | NodeKind::Call(id) | NodeKind::Procref(id) = node.kind {
                assert!(id.index() < index);
            }
        }
    }
}

#[test]
fn roots_and_dynamic_calls_are_nodes() {
    let root = format!("0x01{}", "0".repeat(62));
    let kernel = MemoryModules::default().with_kernel("export.foo nop end");
    let text = format!("begin exec.{root} syscall.foo dynexec dyncall end");
    let program = parse_program(&text, "test", &kernel).expect("parses");
    let kinds: Vec<&NodeKind> = program.main.iter().map(|node| &node.kind).collect();
    assert!(matches!(
        kinds[..],
        [
            NodeKind::InvokeRoot {
                kind: InvokeKind::Exec,
                ..
            },
            NodeKind::Syscall(_),
            NodeKind::DynExec,
            NodeKind::DynCall
        ]
    ));
}

#[test]
fn rules_for_assembled_code_do_not_bind_unreachable_procedures() {
    for body in ["loc_load.3", "trace.1", "adv.push_mapval"] {
        program(&format!("proc.never {body} end begin nop end"));
        assert!(
            parse_program(
                &format!("proc.f {body} end begin exec.f end"),
                "test",
                &NoModules
            )
            .is_err(),
            "{body}"
        );
    }
    assert_eq!(program("begin emit.1 end").main.len(), 1);
    assert_eq!(program("begin debug.stack end").main.len(), 1);
    let long = "nop ".repeat(65536);
    assert_eq!(code(&format!("begin {long} end")), "body_too_long");
}

#[test]
fn attributes_are_read_and_ignored() {
    let code = |attributes: &str| {
        let text = format!("{attributes} proc.f nop end begin exec.f end");
        let error = parse_program(&text, "test", &NoModules).err()?;
        Some(miette::Diagnostic::code(&error)?.to_string())
    };
    let accepted = [
        "@inline",
        "@add @k(a, 5, 0x05)",
        "@k(x=1, y=\"a b\", z=c)",
        r#"@k("a\"b")"#,
        "@k(a, a)",
        "#! docs\n@a",
    ];
    for attributes in accepted {
        assert_eq!(code(attributes), None, "{attributes}");
    }
    let unexpected = [
        "@k()",
        "@k(a,)",
        "@k(A)",
        "@k(0b1)",
        "@k(\"name\")",
        "@k(a, x=1)",
        "@k(x=1, a)",
        "@a const.A=1",
    ];
    for attributes in unexpected {
        assert_eq!(
            code(attributes).as_deref(),
            Some("masm::unexpected_token"),
            "{attributes}"
        );
    }
    for attributes in ["@a @a", "@a @a(x=1)", "@k(x=1, x=2)"] {
        assert_eq!(
            code(attributes).as_deref(),
            Some("masm::duplicate"),
            "{attributes}"
        );
    }
    assert_eq!(code("@if").as_deref(), Some("masm::reserved_name"));
}

#[test]
fn documentation_belongs_to_what_follows() {
    let program = program(
        "#! The module,\n#!  indented.\n\n#! A procedure.\n@inline\nproc.f nop end\n#! The program.\nbegin exec.f end",
    );
    assert_eq!(program.docs.as_deref(), Some("The module,\n indented."));
    assert_eq!(program.procedures[0].docs.as_deref(), Some("A procedure."));
    assert!(program.warnings.is_empty());
    let long = format!("\n#! {}\nbegin nop end", "x".repeat(65536));
    assert_eq!(code(&long), "docs_too_long");
}

#[test]
fn modules_resolve_through_imports_paths_and_reexports() {
    let modules = MemoryModules::default()
        .with("a::b", "use.a::c\nconst.ONE=1\nexport.f exec.g add.ONE end\nproc.g exec.c::h end\nexport.c::h->renamed")
        .with("a::c", "use.a::b\nconst.ONE=100\nexport.h add.ONE end\nexport.::a::d::last\nexport.b::renamed->again")
        .with("a::d", "export.last nop end");
    let parse = |text| parse_program(text, "test", &modules);
    let program = parse(
        "use.a::b->x\nbegin exec.x::f exec.x::renamed exec.::a::c::last exec.::a::c::again end",
    )
    .unwrap();
    let names: Vec<&str> = program
        .procedures
        .iter()
        .map(|procedure| procedure.name.as_str())
        .collect();
    assert_eq!(names, ["a::c::h", "a::b::g", "a::b::f", "a::d::last"]);
    assert!(
        parse("use.a::b->x begin exec.b::f end").is_err(),
        "the old name is unknown"
    );
    assert!(
        parse("use.a::b begin exec.b::g end").is_err(),
        "a private procedure"
    );
    assert!(
        parse("use.a::nothing begin nop end").is_ok(),
        "an unused import is not loaded"
    );
    let endless = MemoryModules::default().with("m", "use.m->n\nexport.n::f");
    assert!(parse_program("use.m begin exec.m::f end", "test", &endless).is_err());
}

#[test]
fn directories_are_libraries() {
    let root = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("library");
    std::fs::create_dir_all(root.join("b")).unwrap();
    std::fs::write(root.join("a.masm"), "export.f nop end").unwrap();
    std::fs::write(root.join("b/mod.masm"), "export.f nop end").unwrap();
    std::fs::write(root.join("b/c.masm"), "export.f nop end").unwrap();
    let library = DirectoryModules::library(&root, "ns");
    for path in ["ns::a", "ns::b", "ns::b::c"] {
        let result = parse_program(&format!("begin exec.::{path}::f end"), "test", &library);
        assert_eq!(result.unwrap().procedures[0].name, format!("{path}::f"));
    }
    for path in ["a", "ns", "ns::d", "other::a", "ns::b::mod"] {
        assert!(
            parse_program(&format!("begin exec.::{path}::f end"), "test", &library).is_err(),
            "{path}"
        );
    }
    assert!(
        parse_program(
            "begin exec.::b::c::f end",
            "test",
            &DirectoryModules::new(&root)
        )
        .is_ok()
    );
}

/// Bodies are read, resolved and dropped without recursion: a small stack suffices for any nesting.
#[test]
fn nesting_is_limited_by_memory_only() {
    const DEPTH: usize = 200_000;
    let nested = |head: &str, tail: &str| {
        format!(
            "begin {} nop {} end",
            head.repeat(DEPTH),
            tail.repeat(DEPTH)
        )
    };
    let texts = [
        nested("if.true ", "end "),
        nested("if.true nop else ", "end "),
        nested("while.true ", "end "),
        nested("repeat.2 ", "end "),
        format!(
            "const.A={}1{} begin push.A end",
            "(".repeat(DEPTH),
            ")".repeat(DEPTH)
        ),
    ];
    let calls = (0..DEPTH)
        .map(|i| format!("proc.f{i} exec.f{} end ", i + 1))
        .collect::<String>();
    let calls = format!("{calls} proc.f{DEPTH} nop end begin exec.f0 end");
    let thread = std::thread::Builder::new().stack_size(256 * 1024);
    let run = move || {
        for text in &texts {
            program(text);
        }
        assert_eq!(program(&calls).procedures.len(), DEPTH + 1);
    };
    thread.spawn(run).unwrap().join().unwrap();
}

#[test]
fn the_table_of_instructions_is_consistent() {
    let count = |side: &str| {
        let items = side
            .trim_matches(|c| "[] ".contains(c))
            .split(", ")
            .filter(|item| *item != "..");
        items.count() as i32
    };
    for (opcode, info) in Opcode::ALL.iter().zip(Instruction::ALL) {
        assert_eq!(
            Opcode::by_name(info.name),
            Some(*opcode),
            "names are unique"
        );
        assert_eq!(opcode.info().name, info.name);
        // The elements of an effect can be counted where it is about single elements.
        let (before, after) = info.effect.split_once(" -> ").unwrap();
        let after = after.split_once(" of ").map_or(after, |(after, _)| after);
        let words = before.contains(|c: char| c.is_ascii_uppercase());
        if matches!(
            info.section,
            Section::Field | Section::U32 | Section::Assertions
        ) && !words
        {
            let after = after
                .replace("min(a, b)", "min")
                .replace("max(a, b)", "max");
            assert_eq!(
                count(&after) - count(before),
                i32::from(info.net),
                "{}",
                info.name
            );
        }
        let mandatory = matches!(
            info.immediate,
            Immediate::Push
                | Immediate::U16
                | Immediate::U32
                | Immediate::Index { default: None, .. }
        );
        if *opcode == Opcode::Caller {
            continue;
        }
        let text = format!(
            "proc.never {}{} end begin nop end",
            info.name,
            if mandatory { ".2" } else { "" }
        );
        assert!(
            parse_program(&text, "test", &NoModules).is_ok(),
            "{}",
            info.name
        );
    }
}

#[test]
fn spans_cover_whole_instructions() {
    let program = program("begin\n  push.1.2\n  if.true add.5 end\nend");
    let slices: Vec<&str> = program
        .main
        .iter()
        .map(|node| program.sources.slice(node.span))
        .collect();
    assert_eq!(slices, ["push.1.2", "if.true"]);
    assert_eq!(program.sources.line_column(program.main[1].span), (3, 3));
    assert_eq!(program.sources.slice(program.main_span), "begin");
    let _: &Body = &program.main;
}
