//! Which protocols and fields the forms that show everything show: tshark's `-j` and `-J`.

use crate::read::registry;

/// Protocols and fields by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    names: Vec<String>,
    below: Below,
}

/// What is shown of what lies below a chosen one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Below {
    /// What is chosen, too (`-j`).
    Chosen,
    /// All (`-J`).
    All,
}

impl Chosen {
    /// These, apart by spaces; of what lies below them, only what is named too.
    ///
    /// # Errors
    ///
    /// The name that is none of a protocol or field.
    pub fn alone(names: &str) -> Result<Self, String> {
        Self::new(names, Below::Chosen)
    }

    /// These, apart by spaces, with all that lies below them.
    ///
    /// # Errors
    ///
    /// As [`Self::alone`].
    pub fn in_full(names: &str) -> Result<Self, String> {
        Self::new(names, Below::All)
    }

    fn new(names: &str, below: Below) -> Result<Self, String> {
        let names: Vec<_> = names
            .split([' ', ','])
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        // Lines that are no field are called so.
        let known = |name: &String| name == "text" || registry::by_name(name).next().is_some();
        if let Some(unknown) = names.iter().find(|name| !known(name)) {
            return Err(format!(
                "there is no protocol or field {unknown:?}; `capture fields` lists them"
            ));
        }
        Ok(Self { names, below })
    }

    /// Whether one of this name is.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|chosen| chosen == name)
    }

    /// What chooses below one that is chosen: `None` for everything.
    pub(super) fn below(&self) -> Option<&Self> {
        (self.below == Below::Chosen).then_some(self)
    }
}
