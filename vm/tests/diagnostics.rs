//! How errors look.

use miette::{GraphicalReportHandler, GraphicalTheme};
use plica_vm::syntax::{MemoryModules, parse_program};

fn render(diagnostic: &plica_vm::syntax::Diagnostic) -> String {
    let handler =
        GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
    let mut text = String::new();
    handler.render_report(&mut text, diagnostic).unwrap();
    text
}

fn show(sources: &[&str]) -> String {
    show_with(&MemoryModules::default(), sources)
}

fn show_with(modules: &MemoryModules, sources: &[&str]) -> String {
    let rendered =
        sources.iter().map(
            |source| match parse_program(source, "program.masm", modules) {
                Err(error) => render(&error),
                Ok(program) => program.warnings.iter().map(render).collect(),
            },
        );
    rendered.collect::<Vec<String>>().join("\n")
}

#[test]
fn tokens() {
    insta::assert_snapshot!(show(&[
        "begin add.1 ; end",
        "begin exec.\"foo end\nend",
        "proc.Foo add.1 end",
        "proc._Foo add.1 end",
        "begin push.18446744069414584322 end",
        "begin push.0x1 end",
        "begin push.0x010203040506070809 end",
        "begin assert.err=0b end",
        "begin añd end",
    ]));
}

#[test]
fn structure() {
    insta::assert_snapshot!(show(&[
        "proc.f\n    add.1\nend\n",
        "begin\n    add.1\n",
        "begin\n    push.1\n    if.true\n        add.1\nproc.f add.1 end\n",
        "begin\n    repeat.2\n    end\nend",
        "begin if.true else end end",
        "begin push.1 if.true adv.push_mapval else nop end end",
        "begin\n    #! not here\n    add.1\nend",
        "begin add.1 end\nbegin add.2 end",
        "begin add.1 end\nend",
        "begin add.1 end\n@inline\nconst.A=1",
        "export.f add.1 end\nbegin exec.f end",
        "proc.while add.1 end",
        "begin while.false add.1 end end",
        "begin if add.1 end end",
    ]));
}

#[test]
fn instructions() {
    insta::assert_snapshot!(show(&[
        "begin movpu.3 end",
        "begin debug.stak end",
        "begin u32checked_add end",
        "begin dup.16 end",
        "begin swap.0 end",
        "begin movup end",
        "begin neg.1 end",
        "begin add.1.2 end",
        "begin add.0b1 end",
        "begin dup.0x01 end",
        "const.N=3\nbegin repeat.N add.1 end end",
        "const.BIG=300\nbegin u32shl.BIG end",
        "begin exp.u64 end",
        "begin exp.v3 end",
        "begin div.0 end",
        "const.ZERO=5-5\nbegin u32mod.ZERO end",
        "begin assert.7 end",
        "begin assert.err=4294967296 end",
        "proc.f.2 loc_store.2 end\nbegin exec.f end",
        "begin caller end",
    ]));
}

#[test]
fn constants() {
    insta::assert_snapshot!(show(&[
        "const.A=1/0",
        "const.ZERO=0\nconst.A=(3 + 4) // (ZERO * 2)",
        "const.A=B",
        "const.LENGTH=4\nbegin push.LENGHT end",
        "const.A=1\nconst.A=2",
        "const.A=(1 + (2 * 3)\nbegin add.A end",
        "const.A=1 +\nbegin add.A end",
        "const.A=-1",
        "const.lower=1",
    ]));
}

#[test]
fn names() {
    let modules = MemoryModules::default()
        .with(
            "lib::math",
            "export.square dup mul end\nproc.secret nop end",
        )
        .with("lib::broken", "export.f frobnicate end")
        .with("lib::program", "begin nop end")
        .with("lib::loops", "use.lib::back\nexport.f exec.back::g end")
        .with("lib::back", "use.lib::loops\nexport.g exec.loops::f end");
    insta::assert_snapshot!(show_with(
        &modules,
        &[
            "proc.double mul.2 end\nbegin exec.duoble end",
            "begin exec.math::square end",
            "use.lib::math\nbegin exec.mth::square end",
            "use.lib::math\nbegin exec.math::sqare end",
            "use.lib::math\nbegin exec.math::secret end",
            "use.lib::none\nbegin exec.none::f end",
            "use.std::math::u64\nbegin exec.u64::wrapping_add end",
            "use.lib::broken\nbegin exec.broken::f end",
            "begin exec.::lib::program::f end",
            "begin exec.lib::math::square end",
            "proc.f add.1 end\nproc.\"f\" add.2 end",
            "use.lib::math\nuse.other::math",
            "@a @b @a\nproc.f add.1 end",
            "proc.a exec.b end\nproc.b exec.c end\nproc.c exec.b end\nbegin exec.a end",
            "proc.a procref.a dropw end\nbegin exec.a end",
            "use.lib::loops\nbegin exec.loops::f end",
        ]
    ));
}

#[test]
fn warnings() {
    insta::assert_snapshot!(show(&[
        "# first\n#! documents nothing\nuse.a::b\nbegin add.1 end\n#! nor does this",
        "#! the module\n\n#! stray\n\n#! the procedure\nproc.f add.1 end\nbegin exec.f end",
    ]));
}
