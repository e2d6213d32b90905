//! What the corpus cannot say about calls: roots, which are Plica's own, and sizes.

mod support;

use plica_field::{Felt, Word};
use plica_vm::compile::{Compiled, RunErrorKind, compile};
use plica_vm::inputs::Inputs;
use plica_vm::syntax::{MemoryModules, ModuleLoader, NoModules, parse_program};

const MAX_CYCLES: u64 = 1 << 22;

fn compiled(source: &str, modules: &dyn ModuleLoader) -> Compiled {
    let program = parse_program(source, "test", modules).unwrap_or_else(|e| panic!("{e}"));
    compile(&program).unwrap_or_else(|e| panic!("{e}"))
}

fn run(source: &str, inputs: &[u64]) -> Result<Vec<u64>, RunErrorKind> {
    use p3_field::PrimeField64;
    let inputs = Inputs::from_stack(inputs.iter().map(|&v| Felt::new(v)).collect::<Vec<_>>());
    let run = compiled(source, &NoModules).run(&inputs, MAX_CYCLES);
    let outputs = run.map_err(|error| error.kind)?.outputs;
    Ok(outputs.iter().map(|v| v.as_canonical_u64()).collect())
}

fn roots(source: &str, modules: &dyn ModuleLoader) -> Vec<(String, Word)> {
    let program = parse_program(source, "test", modules).expect("parses");
    let names = program.procedures.iter().map(|p| p.name.clone());
    names.zip(program.roots()).collect()
}

/// As a target is written: four elements of eight bytes, each the least significant first.
fn hexadecimal(root: Word) -> String {
    use p3_field::PrimeField64;
    let bytes = root.iter().flat_map(|v| v.as_canonical_u64().to_le_bytes());
    let digits: Vec<String> = bytes.map(|byte| format!("{byte:02x}")).collect();
    format!("0x{}", digits.concat())
}

#[test]
fn procedures_are_executed_by_their_roots() {
    let procedures = "proc.f add.7 end proc.g mem_load.3 add end";
    let known = roots(&format!("{procedures} begin exec.f exec.g end"), &NoModules);
    let root = |name: &str| {
        let found = known.iter().find(|(known, _)| known == name);
        hexadecimal(found.expect("reached").1)
    };
    let (f, g) = (root("f"), root("g"));
    let with = |body: &str| format!("{procedures} begin push.0 drop exec.f exec.g {body} end");
    assert_eq!(run(&with(&format!("exec.{f}")), &[1]).expect("runs")[0], 15);
    // In a context of its own the memory is zero.
    let called = format!("push.9 mem_store.3 call.{g}");
    assert_eq!(run(&with(&called), &[1]).expect("runs")[0], 8);
    let executed = format!("push.9 mem_store.3 exec.{g}");
    assert_eq!(run(&with(&executed), &[1]).expect("runs")[0], 17);
    let equal =
        format!("procref.{f} procref.f eqw movdn.8 dropw dropw movdn.4 drop drop drop drop");
    assert_eq!(run(&with(&equal), &[1]).expect("runs")[0], 1);
    // Without the procedure in the program there is nothing to execute.
    let alone = format!("begin exec.{f} end");
    assert_eq!(run(&alone, &[1]), Err(RunErrorKind::UnknownProcedure));
}

#[test]
fn a_system_call_by_root_finds_exports_only() {
    let kernel = "proc.hidden add.3 end export.open exec.hidden mul.2 end export.other add.9 end";
    let modules = MemoryModules::default().with_kernel(kernel);
    let known = roots("begin syscall.open end", &modules);
    let root = |name: &str| {
        let found = known.iter().find(|(known, _)| known.ends_with(name));
        hexadecimal(found.expect("linked").1)
    };
    let run = |root: &str| {
        use p3_field::PrimeField64;
        let source = format!("begin syscall.{root} end");
        let run = compiled(&source, &modules).run(&Inputs::default(), MAX_CYCLES);
        run.map(|run| run.outputs[0].as_canonical_u64())
            .map_err(|error| error.kind)
    };
    assert_eq!(run(&root("open")), Ok(6));
    // Not named by any `syscall`, but an export.
    assert_eq!(run(&root("other")), Ok(9));
    assert_eq!(run(&root("hidden")), Err(RunErrorKind::UnknownProcedure));
}

#[test]
fn recursion_goes_as_deep_as_the_memory() {
    let source = "
        proc.down dup neq.0 if.true sub.1 swap add.1 swap push.40 dynexec else nop end end
        begin procref.down mem_storew.40 dropw exec.down end";
    let outputs = run(source, &[20_000]).expect("runs");
    assert_eq!(outputs[..2], [0, 20_000]);
}

#[test]
fn a_stack_grows_as_deep_as_the_memory() {
    // Pushes n, n − 1, …, 1 and adds them up.
    let source = "
        begin
            dup neq.0 while.true dup sub.1 dup neq.0 end
            sdepth neq.16 while.true add sdepth neq.16 end
        end";
    let outputs = run(source, &[100_000]).expect("runs");
    assert_eq!(outputs[0], 100_000 * 100_001 / 2);
}

#[test]
fn a_long_repeat_that_pushes_is_a_loop() {
    let source = "
        begin
            repeat.200000 dup add.1 end
            sdepth neq.16 while.true swap drop sdepth neq.16 end
        end";
    assert_eq!(run(source, &[5]).expect("runs")[0], 200_005);
}

#[test]
fn nesting_is_limited_by_memory_only() {
    const LEVELS: usize = 2_000;
    // Each level pushes on one way and not on the other.
    let mut source = String::from("begin ");
    for _ in 0..LEVELS {
        source += "dup neq.0 if.true sub.1 push.7 swap ";
    }
    source += "nop";
    source += &" else nop end".repeat(LEVELS);
    source += " sdepth neq.16 while.true swap drop sdepth neq.16 end end";
    assert_eq!(run(&source, &[3]).expect("runs")[0], 0);
}

#[test]
fn nested_loops_that_push_are_compiled_in_reasonable_time() {
    const LEVELS: usize = 24;
    let mut source = String::from("begin ");
    for _ in 0..LEVELS {
        source += "push.0 push.0 while.true push.1 ";
    }
    source += "nop";
    source += &" push.0 end drop".repeat(LEVELS);
    source += " end";
    assert_eq!(run(&source, &[3]).expect("runs")[0], 3);
}
