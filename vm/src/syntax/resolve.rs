//! From modules to a [`Program`]: names become procedures, operands become immediates.

use std::collections::{HashMap, HashSet};
use std::io;

use super::ast::{Body, InvokeKind, Node, NodeKind, ProcId, Procedure, Program};
use super::check::check;
use super::diagnostic::{Diagnostic, ErrorKind, Raised, Result};
use super::immediate::{Constants, Operands};
use super::instruction::{Instruction, Opcode};
use super::loader::{ModuleLoader, ModulePath};
use super::module::{Module, RawBody, RawKind, RawProcedure, Target, TargetKind};
use super::order::{Call, callees_first};
use super::parser::parse_module;
use super::span::{Sources, Span};
use super::suggest::nearest;

/// Parses a program and the modules it uses, and resolves every name.
///
/// `name` is how diagnostics call the text, usually the name of its file; `loader` finds the modules.
///
/// # Errors
/// The first error in the program or in a module that it refers to.
pub fn parse_program(
    text: &str,
    name: &str,
    loader: &dyn ModuleLoader,
) -> std::result::Result<Program, Diagnostic> {
    parse(text, name, loader, false)
}

/// The same, wrapped for joint proofs ([`crate::joint`]).
///
/// # Errors
/// The first error in the program or in a module that it refers to; also whatever a program that is proven jointly must not do.
pub fn parse_joint(
    text: &str,
    name: &str,
    loader: &dyn ModuleLoader,
) -> std::result::Result<Program, Diagnostic> {
    parse(text, name, loader, true)
}

fn parse(
    text: &str,
    name: &str,
    loader: &dyn ModuleLoader,
    joint: bool,
) -> std::result::Result<Program, Diagnostic> {
    let mut resolver = Resolver {
        loader,
        sources: Sources::default(),
        modules: Vec::new(),
        by_path: HashMap::new(),
        procedures: Vec::new(),
        calls: Vec::new(),
        kernel: None,
        joint,
    };
    match resolver.program(text, name) {
        Ok(resolved) => Ok(resolved.finish(resolver.sources)),
        Err(error) => Err(error.attach(&resolver.sources)),
    }
}

/// What a name of a module stands for.
#[derive(Clone, Copy)]
enum Definition {
    /// Position in [`Resolver::procedures`].
    Procedure { index: usize, exported: bool },
    /// Position in [`Module::reexports`].
    Reexport(usize),
}

/// A module that has been read.
struct Loaded {
    /// None for the program.
    path: Option<ModulePath>,
    module: Module,
    definitions: HashMap<String, Definition>,
    used_imports: HashSet<String>,
}

/// What a target turned out to be.
enum Resolved {
    Procedure(usize),
    Root(plica_field::Word),
}

struct Resolver<'a> {
    loader: &'a dyn ModuleLoader,
    sources: Sources,
    modules: Vec<Loaded>,
    by_path: HashMap<ModulePath, usize>,
    /// The procedures of all modules, each entry being the module and the name.
    procedures: Vec<(usize, String)>,
    /// What the procedures refer to.
    calls: Vec<Vec<Call>>,
    /// The module that is the kernel, once something asked for it.
    kernel: Option<usize>,
    /// Whether the program is wrapped for joint proofs.
    joint: bool,
}

/// A program but for its sources, which errors still need.
struct Unfinished {
    main: Body,
    main_span: Span,
    procedures: Vec<Procedure>,
    kernel: Vec<ProcId>,
    docs: Option<String>,
    warnings: Vec<Raised>,
}

impl Unfinished {
    fn finish(self, sources: Sources) -> Program {
        Program {
            main: self.main,
            main_span: self.main_span,
            procedures: self.procedures,
            kernel: self.kernel,
            docs: self.docs,
            warnings: self
                .warnings
                .into_iter()
                .map(|warning| warning.attach(&sources))
                .collect(),
            sources,
        }
    }
}

impl Resolver<'_> {
    fn program(&mut self, text: &str, name: &str) -> Result<Unfinished> {
        let start = self.add_module(None, name, text.to_owned())?;
        let module = &mut self.modules[0].module;
        let docs = module.docs.take();
        let Some((main_span, main)) = module.entry.take() else {
            return Err(Raised::new(ErrorKind::MissingBegin, start));
        };
        let exported = module
            .procedures
            .iter()
            .find(|procedure| procedure.exported)
            .map(|procedure| procedure.span);
        if let Some(span) = exported.or(module.reexports.first().map(|reexport| reexport.span)) {
            return Err(Raised::new(ErrorKind::ExportInProgram, span));
        }

        let (module, main) = match self.joint {
            true => self.wrap(main_span, main)?,
            false => (0, main),
        };
        let (mut main, mut main_calls) = self.body(module, &main)?;
        let mut resolved: Vec<Option<Procedure>> = Vec::new();
        // Bodies may refer to modules that are not loaded yet, which makes the list longer.
        let mut next = 0;
        while next < self.modules.len() {
            for raw in std::mem::take(&mut self.modules[next].module.procedures) {
                let (procedure, calls) = self.procedure(next, raw)?;
                resolved.push(Some(procedure));
                self.calls.push(calls);
            }
            for index in 0..self.modules[next].module.reexports.len() {
                self.reexport(next, index)?;
            }
            next += 1;
        }

        // A kernel is linked as a whole: a `syscall` may name a root.
        let exports = self.kernel_exports();
        main_calls.extend(exports.iter().map(|&callee| Call {
            callee,
            span: main_span,
        }));
        let names = resolved
            .iter()
            .flatten()
            .map(|procedure| procedure.name.as_str())
            .collect::<Vec<_>>();
        let order = callees_first(&main_calls, &self.calls, &names)?;
        let mut ids = vec![ProcId(u32::MAX); resolved.len()];
        for (position, &index) in order.iter().enumerate() {
            ids[index] = ProcId(position as u32);
        }
        let mut procedures = Vec::with_capacity(order.len());
        for index in order {
            procedures.extend(resolved[index].take());
        }
        renumber(&mut main, &ids);
        check(&main, "begin", main_span, 0)?;
        for procedure in &mut procedures {
            renumber(&mut procedure.body, &ids);
            check(&procedure.body, "proc", procedure.span, procedure.locals)?;
        }
        Ok(Unfinished {
            main,
            main_span,
            procedures,
            kernel: exports.into_iter().map(|index| ids[index]).collect(),
            docs,
            warnings: self.warnings(),
        })
    }

    /// Makes the body of the program a procedure, and gives the module and body of the wrapper that calls it.
    fn wrap(&mut self, span: Span, body: RawBody) -> Result<(usize, RawBody)> {
        // No procedure has the name of a keyword.
        let name = "begin".to_owned();
        let own = Definition::Procedure {
            index: self.procedures.len(),
            exported: false,
        };
        self.procedures.push((0, name.clone()));
        self.modules[0].module.procedures.push(RawProcedure {
            name,
            span,
            exported: false,
            locals: 0,
            docs: None,
            body,
        });
        let module = self.modules.len();
        self.add_module(None, "joint proof", crate::joint::wrapper())?;
        let wrapper = &mut self.modules[module];
        wrapper
            .definitions
            .insert(crate::joint::RUN.to_owned(), own);
        let (_, main) = wrapper.module.entry.take().expect("the wrapper has one");
        Ok((module, main))
    }

    /// Refuses what a program that is proven jointly must not do.
    fn not_joint(&self, what: &'static str, span: Span) -> Result<()> {
        match self.joint {
            true => Err(Raised::new(ErrorKind::InJoint(what), span)),
            false => Ok(()),
        }
    }

    /// Parses a module and makes its names known; returns an empty span at its start.
    fn add_module(&mut self, path: Option<ModulePath>, name: &str, text: String) -> Result<Span> {
        let bytes = text.len();
        let too_large = bytes >= Sources::MAX_BYTES;
        let source = self
            .sources
            .add(name, if too_large { String::new() } else { text });
        let start = Span {
            source,
            start: 0,
            end: 0,
        };
        if too_large {
            return Err(Raised::new(ErrorKind::SourceTooLarge(bytes), start));
        }
        let module = parse_module(self.sources.text(source), source)?;
        let index = self.modules.len();
        let mut definitions = HashMap::new();
        for procedure in &module.procedures {
            let definition = Definition::Procedure {
                index: self.procedures.len(),
                exported: procedure.exported,
            };
            definitions.insert(procedure.name.clone(), definition);
            self.procedures.push((index, procedure.name.clone()));
        }
        for (position, reexport) in module.reexports.iter().enumerate() {
            definitions.insert(reexport.name.clone(), Definition::Reexport(position));
        }
        if let Some(path) = &path {
            self.by_path.insert(path.clone(), index);
        }
        self.modules.push(Loaded {
            path,
            module,
            definitions,
            used_imports: HashSet::new(),
        });
        Ok(start)
    }

    /// The module at `path`, read if it is not known yet.
    fn module_at(&mut self, path: &ModulePath, span: Span) -> Result<usize> {
        if let Some(&index) = self.by_path.get(path) {
            return Ok(index);
        }
        let source = match self.loader.load(path) {
            Ok(Some(source)) => source,
            Ok(None) => {
                let is_std = path
                    .components()
                    .first()
                    .is_some_and(|first| first == "std");
                let kind = if is_std {
                    ErrorKind::StandardLibrary
                } else {
                    ErrorKind::ModuleNotFound
                };
                return Err(Raised::new(kind(path.to_string()), span));
            }
            Err(error) => {
                let kind = ErrorKind::ModuleLoad {
                    module: path.to_string(),
                    reason: error.to_string(),
                };
                return Err(Raised::new(kind, span));
            }
        };
        let index = self.modules.len();
        self.add_module(Some(path.clone()), &source.name, source.text)?;
        match &self.modules[index].module.entry {
            Some((begin, _)) => Err(Raised::new(ErrorKind::BeginInLibrary, *begin)),
            None => Ok(index),
        }
    }

    /// The kernel, read if that has not been done.
    fn kernel_module(&mut self, span: Span) -> Result<usize> {
        self.not_joint("syscall", span)?;
        if let Some(kernel) = self.kernel {
            return Ok(kernel);
        }
        let failed = |reason: io::Error| {
            let kind = ErrorKind::ModuleLoad {
                module: "kernel".to_owned(),
                reason: reason.to_string(),
            };
            Raised::new(kind, span)
        };
        let source = self.loader.kernel().map_err(failed)?;
        let source = source.ok_or_else(|| Raised::new(ErrorKind::NoKernel, span))?;
        let index = self.modules.len();
        let path = ModulePath::new(vec!["kernel".to_owned()]);
        let path = (!self.by_path.contains_key(&path)).then_some(path);
        self.add_module(path, &source.name, source.text)?;
        self.kernel = Some(index);
        let module = &self.modules[index].module;
        if let Some((begin, _)) = &module.entry {
            return Err(Raised::new(ErrorKind::BeginInLibrary, *begin));
        }
        match module.reexports.first() {
            Some(reexport) => Err(Raised::new(ErrorKind::InKernel("export"), reexport.span)),
            None => Ok(index),
        }
    }

    fn kernel_exports(&self) -> Vec<usize> {
        let Some(kernel) = self.kernel else {
            return Vec::new();
        };
        let definitions = self.modules[kernel].definitions.values();
        let mut exports: Vec<usize> = definitions
            .filter_map(|definition| match *definition {
                Definition::Procedure { index, exported } => exported.then_some(index),
                Definition::Reexport(_) => None,
            })
            .collect();
        exports.sort_unstable();
        exports
    }

    /// The procedure that `target` means in module `from`.
    fn target(&mut self, from: usize, target: &Target) -> Result<Resolved> {
        let (module, name, own) = match &target.kind {
            TargetKind::Root(root) => return Ok(Resolved::Root(*root)),
            TargetKind::Local(name) => (from, name, true),
            TargetKind::Imported {
                module,
                module_span,
                name,
            } => (self.imported(from, module, *module_span)?, name, false),
            TargetKind::Absolute { module, name } => {
                (self.module_at(module, target.span)?, name, false)
            }
        };
        self.definition(module, name, target.span, own)
    }

    /// The module that is imported as `name` in module `from`.
    fn imported(&mut self, from: usize, name: &str, span: Span) -> Result<usize> {
        let loaded = &mut self.modules[from];
        let imports = &loaded.module.imports;
        let Some(import) = imports.iter().find(|import| import.name == name) else {
            let suggestion = nearest(name, imports.iter().map(|import| import.name.as_str()));
            return Err(Raised::new(
                ErrorKind::UndefinedModule {
                    name: name.to_owned(),
                    suggestion,
                },
                span,
            ));
        };
        let (path, import_span) = (import.path.clone(), import.span);
        loaded.used_imports.insert(name.to_owned());
        if let Some(&index) = self.by_path.get(&path) {
            return Ok(index);
        }
        self.module_at(&path, span)
            .map_err(|error| error.note(import_span, "imported here"))
    }

    /// The procedure of that name in a module, through as many re-exports as there are.
    fn definition(
        &mut self,
        mut module: usize,
        name: &str,
        span: Span,
        own: bool,
    ) -> Result<Resolved> {
        let mut name = name.to_owned();
        let mut own = own;
        let mut visited = HashSet::new();
        loop {
            let loaded = &self.modules[module];
            let shown = match &loaded.path {
                Some(path) if !own => format!("{path}::{name}"),
                _ => name.clone(),
            };
            match loaded.definitions.get(&name) {
                Some(&Definition::Procedure { index, exported }) if own || exported => {
                    return Ok(Resolved::Procedure(index));
                }
                Some(Definition::Procedure { .. }) => {
                    return Err(Raised::new(ErrorKind::NotExported(shown), span));
                }
                None => {
                    let suggestion = nearest(&name, loaded.definitions.keys().map(String::as_str));
                    return Err(Raised::new(
                        ErrorKind::UndefinedProcedure {
                            name: shown,
                            suggestion,
                        },
                        span,
                    ));
                }
                Some(&Definition::Reexport(index)) => {
                    if !visited.insert((module, index)) {
                        return Err(Raised::new(
                            ErrorKind::Recursion(format!("`{shown}` re-exports itself")),
                            span,
                        ));
                    }
                    let target = loaded.module.reexports[index].target.clone();
                    (module, name) = match target.kind {
                        TargetKind::Root(root) => return Ok(Resolved::Root(root)),
                        TargetKind::Local(name) => (module, name),
                        TargetKind::Absolute { module: path, name } => {
                            (self.module_at(&path, target.span)?, name)
                        }
                        TargetKind::Imported {
                            module: import,
                            module_span,
                            name,
                        } => (self.imported(module, &import, module_span)?, name),
                    };
                    own = false;
                }
            }
        }
    }

    fn reexport(&mut self, module: usize, index: usize) -> Result<()> {
        let target = self.modules[module].module.reexports[index].target.clone();
        self.target(module, &target).map(|_| ())
    }

    fn procedure(&mut self, module: usize, raw: RawProcedure) -> Result<(Procedure, Vec<Call>)> {
        let (body, calls) = self.body(module, &raw.body)?;
        let name = match &self.modules[module].path {
            Some(path) => format!("{path}::{}", raw.name),
            None => raw.name,
        };
        Ok((
            Procedure {
                name,
                span: raw.span,
                locals: raw.locals,
                docs: raw.docs,
                body,
            },
            calls,
        ))
    }

    /// Resolves a body. Procedures have their position in [`Self::procedures`] for an id.
    fn body(&mut self, module: usize, items: &RawBody) -> Result<(Body, Vec<Call>)> {
        let constants = std::mem::take(&mut self.modules[module].module.constants);
        let result = self.body_with(module, items, &constants);
        self.modules[module].module.constants = constants;
        result
    }

    fn body_with(
        &mut self,
        module: usize,
        items: &RawBody,
        constants: &Constants,
    ) -> Result<(Body, Vec<Call>)> {
        let mut calls = Vec::new();
        let mut open: Vec<Open<'_>> = Vec::new();
        let mut nodes: Vec<Node> = Vec::new();
        for item in items {
            let span = item.span;
            let kind = match &item.kind {
                RawKind::If { .. } | RawKind::While | RawKind::Repeat(_) => {
                    let outer = std::mem::take(&mut nodes);
                    open.push(Open {
                        head: &item.kind,
                        span,
                        outer,
                        first_branch: None,
                    });
                    continue;
                }
                RawKind::Else => {
                    if let Some(innermost) = open.last_mut() {
                        innermost.first_branch = Some(std::mem::take(&mut nodes));
                    }
                    continue;
                }
                RawKind::End => {
                    let Some(closed) = open.pop() else { continue };
                    let (node, outer) = closed.close(std::mem::take(&mut nodes));
                    nodes = outer;
                    nodes.push(node);
                    continue;
                }
                RawKind::Op {
                    opcode,
                    name_span,
                    operands,
                } => {
                    let instruction = opcode.info().name;
                    let operands = Operands {
                        instruction,
                        span: *name_span,
                        list: operands,
                        constants,
                    };
                    if *opcode == Opcode::Clk {
                        self.not_joint("clk", span)?;
                    }
                    if *opcode == Opcode::Caller && self.kernel != Some(module) {
                        return Err(Raised::new(ErrorKind::CallerOutsideKernel, span));
                    }
                    NodeKind::Op(Instruction::build(*opcode, &operands)?)
                }
                RawKind::DynExec => NodeKind::DynExec,
                RawKind::DynCall if self.kernel == Some(module) => {
                    return Err(Raised::new(ErrorKind::InKernel("dyncall"), span));
                }
                RawKind::DynCall => NodeKind::DynCall,
                RawKind::Invoke { kind, .. }
                    if self.kernel == Some(module)
                        && matches!(kind, InvokeKind::Call | InvokeKind::Syscall) =>
                {
                    return Err(Raised::new(ErrorKind::InKernel(kind.keyword()), span));
                }
                RawKind::Invoke {
                    kind: InvokeKind::Syscall,
                    target,
                } => match &target.kind {
                    TargetKind::Root(root) => {
                        self.kernel_module(span)?;
                        NodeKind::InvokeRoot {
                            kind: InvokeKind::Syscall,
                            root: *root,
                        }
                    }
                    TargetKind::Local(name) => {
                        let kernel = self.kernel_module(span)?;
                        match self.definition(kernel, name, target.span, false)? {
                            Resolved::Root(_) => unreachable!("a kernel has no re-exports"),
                            Resolved::Procedure(index) => {
                                calls.push(Call {
                                    callee: index,
                                    span: target.span,
                                });
                                NodeKind::Syscall(ProcId(index as u32))
                            }
                        }
                    }
                    TargetKind::Imported { .. } | TargetKind::Absolute { .. } => {
                        let found = format!("`{}`", self.sources.slice(target.span));
                        let expected = "the bare name of a procedure of the kernel".to_owned();
                        return Err(Raised::new(
                            ErrorKind::UnexpectedToken { found, expected },
                            target.span,
                        ));
                    }
                },
                RawKind::Invoke { kind, target } => match self.target(module, target)? {
                    Resolved::Root(root) => NodeKind::InvokeRoot { kind: *kind, root },
                    Resolved::Procedure(index) => {
                        calls.push(Call {
                            callee: index,
                            span: target.span,
                        });
                        let id = ProcId(index as u32);
                        match kind {
                            InvokeKind::Call => NodeKind::Call(id),
                            InvokeKind::Procref => NodeKind::Procref(id),
                            InvokeKind::Exec | InvokeKind::Syscall => NodeKind::Exec(id),
                        }
                    }
                },
            };
            nodes.push(Node { kind, span });
        }
        Ok((Body::new(nodes), calls))
    }

    fn warnings(&mut self) -> Vec<Raised> {
        let mut warnings = Vec::new();
        for loaded in &mut self.modules {
            warnings.append(&mut loaded.module.warnings);
            for import in &loaded.module.imports {
                if !loaded.used_imports.contains(&import.name) {
                    warnings.push(Raised::new(
                        ErrorKind::UnusedImport(import.name.clone()),
                        import.span,
                    ));
                }
            }
        }
        warnings
    }
}

/// A control structure whose `end` has not come yet.
struct Open<'a> {
    head: &'a RawKind,
    span: Span,
    outer: Vec<Node>,
    first_branch: Option<Vec<Node>>,
}

impl Open<'_> {
    /// The finished node and the nodes before it.
    fn close(self, nodes: Vec<Node>) -> (Node, Vec<Node>) {
        let body = Body::new(nodes);
        let kind = match *self.head {
            RawKind::Repeat(count) => NodeKind::Repeat { count, body },
            RawKind::If { negated } => {
                let has_else = self.first_branch.is_some();
                let (first, second) = match self.first_branch {
                    Some(first) => (Body::new(first), body),
                    None => (body, Body::default()),
                };
                let (then, otherwise) = if negated {
                    (second, first)
                } else {
                    (first, second)
                };
                NodeKind::If {
                    then,
                    otherwise,
                    has_else,
                }
            }
            _ => NodeKind::While { body },
        };
        (
            Node {
                kind,
                span: self.span,
            },
            self.outer,
        )
    }
}

/// Replaces the positions of procedures by their final ids.
fn renumber(body: &mut Body, ids: &[ProcId]) {
    let mut pending = vec![body];
    while let Some(body) = pending.pop() {
        for node in body.nodes_mut() {
            match &mut node.kind {
                NodeKind::Exec(id)
                | NodeKind::Call(id)
                | NodeKind::Syscall(id)
                | NodeKind::Procref(id) => *id = ids[id.index()],
                NodeKind::If {
                    then, otherwise, ..
                } => pending.extend([then, otherwise]),
                NodeKind::While { body } | NodeKind::Repeat { body, .. } => pending.push(body),
                _ => {}
            }
        }
    }
}
