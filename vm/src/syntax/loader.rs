//! Where modules come from.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// The path of a module, as in `helpers::math`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModulePath(Vec<String>);

impl ModulePath {
    pub(super) fn new(components: Vec<String>) -> Self {
        Self(components)
    }

    /// The parts between `::`, at least one. Each is an identifier: ASCII letters, digits and `_`.
    pub fn components(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for ModulePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("::"))
    }
}

/// The source text of a module.
#[derive(Clone, Debug)]
pub struct ModuleSource {
    /// How diagnostics call the text, usually a file name.
    pub name: String,
    /// The text.
    pub text: String,
}

/// Finds the modules that a program uses.
pub trait ModuleLoader {
    /// The source of the module, or `None` if this loader does not know it.
    ///
    /// # Errors
    /// If the module exists but cannot be read.
    fn load(&self, path: &ModulePath) -> io::Result<Option<ModuleSource>>;

    /// The kernel, whose exports `syscall` names, if there is one.
    ///
    /// # Errors
    /// If there is one but it cannot be read.
    fn kernel(&self) -> io::Result<Option<ModuleSource>> {
        Ok(None)
    }
}

/// A file as the kernel.
#[derive(Clone, Debug)]
pub struct KernelFile(pub PathBuf);

impl ModuleLoader for KernelFile {
    fn load(&self, _: &ModulePath) -> io::Result<Option<ModuleSource>> {
        Ok(None)
    }

    fn kernel(&self) -> io::Result<Option<ModuleSource>> {
        Ok(Some(ModuleSource {
            name: self.0.display().to_string(),
            text: std::fs::read_to_string(&self.0)?,
        }))
    }
}

/// No modules at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoModules;

impl ModuleLoader for NoModules {
    fn load(&self, _: &ModulePath) -> io::Result<Option<ModuleSource>> {
        Ok(None)
    }
}

/// Modules by path, in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryModules {
    modules: BTreeMap<String, String>,
    kernel: Option<String>,
}

impl MemoryModules {
    /// Adds the module `path`, as in `helpers::math`.
    #[must_use]
    pub fn with(mut self, path: &str, text: &str) -> Self {
        self.modules.insert(path.to_owned(), text.to_owned());
        self
    }

    /// Makes `text` the kernel.
    #[must_use]
    pub fn with_kernel(mut self, text: &str) -> Self {
        self.kernel = Some(text.to_owned());
        self
    }
}

impl ModuleLoader for MemoryModules {
    fn load(&self, path: &ModulePath) -> io::Result<Option<ModuleSource>> {
        let name = path.to_string();
        Ok(self.modules.get(&name).map(|text| ModuleSource {
            name: name.clone(),
            text: text.clone(),
        }))
    }

    fn kernel(&self) -> io::Result<Option<ModuleSource>> {
        Ok(self.kernel.as_ref().map(|text| ModuleSource {
            name: "kernel".to_owned(),
            text: text.clone(),
        }))
    }
}

/// The modules of a directory: `a.masm` is the module `a`, `b/mod.masm` or `b.masm` is `b`, `b/c.masm` is `b::c`;
/// with a namespace `ns` they are `ns::a`, `ns::b` and `ns::b::c`.
#[derive(Clone, Debug)]
pub struct DirectoryModules {
    root: PathBuf,
    namespace: Vec<String>,
}

impl DirectoryModules {
    /// The modules below `root`, without a namespace: those beside a program.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            namespace: Vec::new(),
        }
    }

    /// A library: the modules below `root` in the namespace, as in `ns` or `ns::sub`.
    pub fn library(root: impl Into<PathBuf>, namespace: &str) -> Self {
        Self {
            root: root.into(),
            namespace: namespace.split("::").map(str::to_owned).collect(),
        }
    }
}

impl ModuleLoader for DirectoryModules {
    fn load(&self, path: &ModulePath) -> io::Result<Option<ModuleSource>> {
        let Some(components) = path.components().strip_prefix(self.namespace.as_slice()) else {
            return Ok(None);
        };
        let Some((last, parents)) = components.split_last() else {
            return Ok(None);
        };
        let parent = parents
            .iter()
            .fold(self.root.clone(), |directory, name| directory.join(name));
        let file = parent.join(format!("{last}.masm"));
        let index = parent.join(last).join("mod.masm");
        let is_index = last == "mod";
        if is_index && file.is_file() {
            let reason = "`mod.masm` is the module of its directory, not one called `mod`";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        let found = match (file.is_file(), index.is_file()) {
            (true, true) => {
                let reason = format!("both {} and {} exist", file.display(), index.display());
                return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
            }
            (true, false) => file,
            (false, true) => index,
            (false, false) => return Ok(None),
        };
        Ok(Some(ModuleSource {
            name: found.display().to_string(),
            text: std::fs::read_to_string(&found)?,
        }))
    }
}

/// Several loaders, the first that knows a module wins.
impl ModuleLoader for Vec<Box<dyn ModuleLoader>> {
    fn load(&self, path: &ModulePath) -> io::Result<Option<ModuleSource>> {
        first(self, |loader| loader.load(path))
    }

    fn kernel(&self) -> io::Result<Option<ModuleSource>> {
        first(self, |loader| loader.kernel())
    }
}

fn first(
    loaders: &[Box<dyn ModuleLoader>],
    find: impl Fn(&dyn ModuleLoader) -> io::Result<Option<ModuleSource>>,
) -> io::Result<Option<ModuleSource>> {
    for loader in loaders {
        if let Some(source) = find(&**loader)? {
            return Ok(Some(source));
        }
    }
    Ok(None)
}
