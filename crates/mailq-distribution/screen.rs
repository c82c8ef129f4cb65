//! A terminal's whole screen, redrawn in place, and given back as it was.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use cli::{Context, Failure, Stream};
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::queue;
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, DisableLineWrap, EnableLineWrap,
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// The screen. Dropping it, by a panic too, leaves the terminal as it was.
pub(crate) struct Screen {
    out: Stream,
    keys: Option<File>,
}

/// What the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Nothing, in the time there was.
    None,
    /// To go on at once.
    Next,
    /// To end.
    Quit,
}

impl Screen {
    /// Takes over the terminal that standard output is.
    ///
    /// # Errors
    /// It cannot be set to deliver keys as they are pressed.
    pub(crate) fn enter(cx: &Context) -> anyhow::Result<Self> {
        let out = cx.stream()?;
        let keys = keyboard();
        enable_raw_mode().map_err(|e| {
            Failure::new("--watch: cannot control the terminal")
                .because(e)
                .hint("to print each round instead: mailq-distribution --watch | cat")
        })?;
        // From here on, dropping it undoes what was done.
        let mut screen = Self { out, keys };
        queue!(screen.out, EnterAlternateScreen, Hide, DisableLineWrap)?;
        screen.out.flush()?;
        Ok(screen)
    }

    /// Shows these lines, as many as there is room for, in one write: what was there is overwritten, not erased first.
    pub(crate) fn draw(&mut self, lines: &[String]) -> io::Result<()> {
        let mut frame = Vec::new();
        queue!(frame, BeginSynchronizedUpdate, MoveTo(0, 0))?;
        for (n, line) in lines.iter().take(height()).enumerate() {
            if n > 0 {
                frame.extend_from_slice(b"\r\n");
            }
            frame.extend_from_slice(line.as_bytes());
            queue!(frame, Clear(ClearType::UntilNewLine))?;
        }
        queue!(
            frame,
            Clear(ClearType::FromCursorDown),
            EndSynchronizedUpdate
        )?;
        self.out.write_all(&frame)?;
        self.out.flush()
    }

    /// Waits for a key, but no longer than this; a signal ends the wait, too.
    pub(crate) fn wish(&mut self, patience: Duration) -> Wish {
        let Some(keys) = &self.keys else {
            std::thread::sleep(patience);
            return Wish::None;
        };
        let timeout = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        let mut fds = [PollFd::new(keys.as_fd(), PollFlags::POLLIN)];
        if poll(&mut fds, timeout).unwrap_or(0) == 0 {
            return Wish::None;
        }
        let mut pressed = [0; 64];
        match nix::unistd::read(keys, &mut pressed) {
            // The terminal is gone.
            Ok(0) => Wish::Quit,
            Ok(count) => wish(pressed.get(..count).unwrap_or_default()),
            Err(Errno::EINTR | Errno::EAGAIN) => Wish::None,
            Err(_) => Wish::Quit,
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing any more.
        let shown = queue!(self.out, EnableLineWrap, Show, LeaveAlternateScreen);
        drop(shown.and_then(|()| self.out.flush()));
        drop(disable_raw_mode());
    }
}

/// The rows of the terminal.
pub(crate) fn height() -> usize {
    let size = terminal_size::terminal_size_of(io::stdout());
    size.map_or(24, |(_, height)| usize::from(height.0))
}

/// Where keys are read from, wherever standard input comes from.
fn keyboard() -> Option<File> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return stdin.as_fd().try_clone_to_owned().ok().map(File::from);
    }
    guarded::open_typed(Path::new("/dev/tty")).ok()
}

/// What these bytes from a keyboard mean.
fn wish(keys: &[u8]) -> Wish {
    const CTRL_C: u8 = 3;
    if keys.iter().any(|key| matches!(*key, b'q' | b'Q' | CTRL_C)) {
        Wish::Quit
    } else if keys.contains(&b' ') {
        Wish::Next
    } else {
        Wish::None
    }
}
