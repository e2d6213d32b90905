//! No text makes the parser panic, and every diagnostic can be shown.

use miette::{GraphicalReportHandler, GraphicalTheme};
use plica_vm::inputs::Inputs;
use plica_vm::syntax::{Instruction, MemoryModules, parse_program};
use proptest::prelude::*;

fn parse(text: &str) {
    let modules = MemoryModules::default()
        .with("m", text)
        .with("a::b", "export.f nop end");
    if let Err(error) = parse_program(text, "soup", &modules) {
        assert!(error.span().start <= error.span().end);
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor());
        handler.render_report(&mut String::new(), &error).unwrap();
    }
}

fn token() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "begin",
        "end",
        "proc",
        "export",
        "use",
        "const",
        "if.true",
        "if.false",
        "else",
        "while.true",
        "repeat.2",
        "exec.f",
        "call.f",
        "procref.f",
        "syscall.f",
        "exec.b::f",
        "exec.::a::b::f",
        "use.a::b",
        "use.m",
        "exec.m::f",
        "proc.f",
        "export.f",
        "export.b::f->g",
        "dynexec",
        "const.A=",
        "A",
        "err=",
        "0x00",
        "0x1",
        "0b11",
        "#!",
        "# c",
        "\n",
        "\"q\"",
        "\"",
        "@a",
        "(",
        ")",
        "+",
        "-",
        "->",
        "*",
        "/",
        "//",
        ".",
        "::",
        "=",
        ",",
        "é",
        "\u{0}",
        "18446744069414584321",
        "4294967296",
        "65536",
        "0",
    ];
    let names = Instruction::ALL
        .iter()
        .map(|info| info.name)
        .collect::<Vec<_>>();
    prop_oneof![
        3 => prop::sample::select(WORDS).prop_map(str::to_owned),
        1 => prop::sample::select(names.clone()).prop_map(str::to_owned),
        1 => (prop::sample::select(names), 0_u64..20).prop_map(|(name, value)| format!("{name}.{value}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_tokens(tokens in prop::collection::vec(token(), 0..60), separator in prop::sample::select(vec!["", " "])) {
        parse(&tokens.join(separator));
        parse(&format!("begin {} end", tokens.join(" ")));
    }

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn random_characters(text in "\\PC{0,100}") {
        parse(&text);
        let _ = Inputs::from_json(&text);
    }

    #[test]
    fn random_expressions(text in "[0-9A-C()+*/ -]{0,40}") {
        parse(&format!("const.A=1 const.B={text} begin push.B end"));
    }
}
