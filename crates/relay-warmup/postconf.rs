//! Changes of an instance's main.cf and master.cf by postconf(1), and the reload that puts them in force.

use std::path::Path;
use std::time::Duration;

use cli::Failure;
use guarded::Program;
use host::patience::Patience;
use legible::shell;
use postfix::escape;
use warmup::applied::Change;

use crate::applying::One;
use crate::saved;

/// The most bytes of a main.cf.
const MOST_MAIN_CF: u64 = 16 << 20;
/// How long a command of Postfix may take; for those that do not end, a minute is waited in all and no more. What is
/// not changed then is a failure of its instance.
static WAITED: Patience = Patience::then(Duration::from_secs(30), Duration::from_secs(30));
/// All of them are waited for together.
const COMMANDS: &str = "postconf and postfix";
/// The most bytes of what it says.
const MOST_SAID: usize = 1 << 20;

impl One<'_> {
    /// As it is after the change.
    pub(crate) fn read_back(&self, change: &Change) -> Option<String> {
        let host = host::instances::discover(self.cx.site());
        let mut all = host.value.instances().iter();
        let instance =
            all.find(|instance| instance.config_directory() == self.instance.config_directory())?;
        saved::setting(self.cx, instance, &change.name)
    }

    /// Makes the changes, and reloads Postfix where it runs.
    pub(crate) fn change(&self, changes: &[Change]) -> anyhow::Result<()> {
        let is_of_master = |change: &&Change| change.name.contains('/');
        let set = |change: &Change| Some(format!("{}={}", change.name, change.after.as_deref()?));
        let of_main = || changes.iter().filter(|change| !is_of_master(change));
        let edited: Vec<String> = of_main().filter_map(set).collect();
        let removed: Vec<&String> = of_main()
            .filter(|c| c.after.is_none())
            .map(|c| &c.name)
            .collect();
        let fields = changes.iter().filter(is_of_master).map(|change| {
            let value = change.after.as_deref().unwrap_or("-");
            format!("{}={value}", change.name)
        });
        let fields: Vec<String> = fields.collect();
        if !edited.is_empty() {
            self.postfix("postconf", "-e", &edited)?;
        }
        if !removed.is_empty() {
            self.postfix("postconf", "-X", &removed)?;
        }
        if !fields.is_empty() {
            self.postfix("postconf", "-F", &fields)?;
        }
        let is_running = host::machine::master(self.cx.root(), self.instance);
        match is_running {
            Ok(None) => {
                self.cx.note(format!(
                    "{} is not running: nothing to reload",
                    self.instance.name()
                ));
                Ok(())
            }
            _ => self.postfix("postfix", "reload", &[] as &[&str]),
        }
    }

    /// # Errors
    /// main.cf does not end with its last line: postconf would put the next setting behind what stands there.
    pub(crate) fn refuse_unended(&self) -> anyhow::Result<()> {
        let path = self.instance.config_directory().join("main.cf");
        let text = guarded::read(&path, MOST_MAIN_CF);
        let text = text.map_err(|e| Failure::io("cannot read", &path, e))?;
        if text.is_empty() || text.ends_with(b"\n") {
            return Ok(());
        }
        let what = "its last line has no end, and postconf would join the next setting to it";
        Err(Failure::new(format!("{}: {what}", path.display()))
            .hint(format!(
                "echo >> {}",
                shell::quoted(&path.to_string_lossy())
            ))
            .into())
    }

    /// # Errors
    /// Commands were waited for in vain for so long that no more are tried: nothing is begun then.
    pub(crate) fn refuse_in_vain(&self) -> anyhow::Result<()> {
        let name = self.instance.name();
        WAITED.of(Path::new(COMMANDS)).map_err(|e| {
            Failure::new(format!("{name} is left as it is"))
                .because(e)
                .hint("fix what the others waited for, and run relay-warmup apply again")
        })?;
        Ok(())
    }

    fn postfix(
        &self,
        program: &str,
        word: &str,
        arguments: &[impl AsRef<std::ffi::OsStr>],
    ) -> anyhow::Result<()> {
        let directory = self.instance.get("command_directory");
        let directory = match Path::new(&directory).is_absolute() {
            true => directory,
            false => "/usr/sbin".to_owned(),
        };
        let path = Path::new(&directory).join(program);
        let cannot = || format!("cannot change {}: {program} {word}", self.instance.name());
        let hint = "fix that and run relay-warmup apply again, or --undo to restore what was";
        let failed = |e| Failure::new(cannot()).because(e).hint(hint);
        let waited = Path::new(COMMANDS);
        let patience = WAITED.of(waited).map_err(failed)?;
        let said = Program::new(&path, patience)
            .configured(self.instance.config_directory())
            .arg(word)
            .args(arguments)
            .run(MOST_SAID)
            .map_err(|e| failed(WAITED.spent(waited, patience, e)))?;
        match said.ended.status.success() {
            true => Ok(()),
            false => Err(
                Failure::new(format!("{}: {}", cannot(), escape(&said.ended.reason())))
                    .hint(hint)
                    .into(),
            ),
        }
    }
}
