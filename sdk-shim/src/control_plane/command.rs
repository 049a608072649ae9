//! The command line of a container.

use std::cell::OnceCell;
use std::rc::Rc;

use super::{ApiServer, Container, Flag, Form};
use crate::views::EnvVar;
use crate::{List, Path, Raw, json};

/// A word of the command line, and where it stands: its place among the words of the container.
struct Word {
    text: String,
    place: usize,
}

/// The API server that a container runs, if it does.
pub fn find(container: &Container<'_>, path: &Path<'_>) -> Option<ApiServer> {
    let commands = container.command.len();
    let variables = Variables { written: container.env, read: OnceCell::new() };
    let words: Vec<Word> = container
        .command
        .iter()
        .chain(container.args.iter())
        .enumerate()
        .map(|(place, word)| Word { text: word.to_string(), place })
        .collect();
    let (form, mut line) = command_line(&words, container, &variables)?;
    for word in &mut line {
        word.text = variables.expand(&word.text, false);
    }
    let place = |index: usize| match index.checked_sub(commands) {
        None => path.item("command", index).to_string(),
        Some(index) => path.item("args", index).to_string(),
    };
    let (flags, has_hidden_flags) = flags(&line, form, &place);
    let list = if container.args.is_empty() && commands > 0 { "command" } else { "args" };
    Some(ApiServer {
        form,
        path: path.field(list).to_string(),
        has_hidden_flags,
        flags,
        mounts: Vec::new(),
        volumes: Rc::default(),
    })
}

/// The words behind the program's name, if it is one of those that are looked for.
fn command_line(words: &[Word], container: &Container<'_>, variables: &Variables<'_>) -> Option<(Form, Vec<Word>)> {
    let copy = |words: &[Word]| words.iter().map(|word| Word { text: word.text.clone(), place: word.place }).collect();
    if let Some((form, at)) = program(words) {
        return Some((form, copy(words.get(at..)?)));
    }
    for (index, script) in words.iter().enumerate() {
        // A script of a shell, then.
        let text = script.text.as_str();
        let is_script =
            text.contains(|c: char| c.is_ascii_whitespace()) && (text.contains("kube-apiserver") || text.contains("k3s"));
        if !is_script {
            continue;
        }
        let text = variables.expand(&variables.expand(text, false), true);
        for command in shell_commands(&text, script.place) {
            if let Some((form, at)) = program(&command) {
                // `"$@"` are the words behind the script, save for the first, which is `$0`.
                let mut behind = words.get(index + 2..).unwrap_or_default();
                let line = command.into_iter().skip(at).flat_map(|word| match word.text.as_str() {
                    "$@" | "$*" => copy(std::mem::take(&mut behind)),
                    _ => vec![word],
                });
                return Some((form, line.collect()));
            }
        }
    }
    // The image says it, and a script of its own starts the program.
    if image_name(&container.image) == "kube-apiserver"
        && let Some(at) = words.iter().position(|word| base_name(&word.text) == "kube-apiserver")
    {
        return Some((Form::Container, copy(words.get(at + 1..)?)));
    }
    // The image's own entry point.
    if container.command.is_empty() {
        return match image_name(&container.image) {
            "kube-apiserver" => Some((Form::Container, copy(words))),
            "k3s" if words.first().is_some_and(|word| word.text == "server") => Some((Form::K3s, copy(words))),
            _ => None,
        };
    }
    None
}

/// Programs that run the one behind them.
const WRAPPERS: [&str; 8] = ["exec", "env", "nice", "nohup", "go-runner", "tini", "dumb-init", "hyperkube"];

/// The program that is run, if it is one of those that are looked for, and where the words behind it begin.
fn program(words: &[Word]) -> Option<(Form, usize)> {
    let name = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let is_before =
        |word: &Word| word.text.starts_with('-') || word.text.contains('=') || WRAPPERS.contains(&name(&word.text).as_str());
    let at = words.iter().position(|word| !is_before(word))?;
    let next_is = |wanted: &str| words.get(at + 1).is_some_and(|next| next.text == wanted);
    match base_name(&words.get(at)?.text) {
        "kube-apiserver" => Some((Form::Container, at + 1)),
        "apiserver" if at > 0 && words.get(at - 1).is_some_and(|before| base_name(&before.text) == "hyperkube") => {
            Some((Form::Container, at + 1))
        }
        "k3s" if next_is("server") => Some((Form::K3s, at + 2)),
        _ => None,
    }
}

/// What stands behind the last slash.
fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// `registry.k8s.io/kube-apiserver:v1.34.0` is `kube-apiserver`.
fn image_name(image: &str) -> &str {
    base_name(image).split(['@', ':']).next().unwrap_or_default()
}

/// Reads flags as `pflag` does: `--name=value`, `--name value`, `--name`, and nothing behind `--`.
fn flags(words: &[Word], form: Form, place: &dyn Fn(usize) -> String) -> (Vec<Flag>, bool) {
    let mut flags: Vec<Flag> = Vec::new();
    let mut hidden = false;
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        if word.text == "--" {
            break;
        }
        let Some(flag) = word.text.strip_prefix("--") else {
            hidden |= word.text.starts_with('$');
            continue;
        };
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, value),
            None => match words.next_if(|next| !next.text.starts_with('-') && !next.text.starts_with('$')) {
                Some(next) => (flag, next.text.as_str()),
                None => (flag, ""),
            },
        };
        let (name, value) = match (form, name) {
            (Form::K3s, "kube-apiserver-arg") => value.trim_start_matches('-').split_once('=').unwrap_or((value, "")),
            _ => (name, value),
        };
        flags.push(Flag { name: name.replace('_', "-"), value: value.to_owned(), path: place(word.place) });
    }
    (flags, hidden)
}

/// The variables of a container, read when one is asked for.
struct Variables<'a> {
    written: Option<Raw<'a>>,
    read: OnceCell<List<EnvVar<'a>>>,
}

impl Variables<'_> {
    /// No container has more variables that matter; of one that has, the work must stay linear.
    const LOOKED_AT: usize = 1000;

    /// The value of a variable, if the container itself says it.
    fn get(&self, name: &str) -> Option<&str> {
        let written = self.written?.get();
        let variables = self.read.get_or_init(|| json::from_str(written).unwrap_or_default());
        let variable = variables.iter().rev().take(Self::LOOKED_AT).find(|variable| variable.name == *name)?;
        (!variable.value.is_empty()).then(|| variable.value.as_str())
    }

    /// Puts in the values of variables that the container has: `$(NAME)`, and for a shell `${NAME}` and `$NAME`. What has no value in
    /// the container stays.
    fn expand(&self, text: &str, shell: bool) -> String {
        let mut expanded = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            expanded.push_str(before);
            let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let bare = after.find(|c| !is_letter(c)).unwrap_or(after.len());
            let name = match after.as_bytes().first() {
                Some(b'(') if !shell => after.get(1..).and_then(|after| after.split_once(')')),
                Some(b'{') if shell => after.get(1..).and_then(|after| after.split_once('}')),
                Some(_) if shell && bare > 0 => after.split_at_checked(bare),
                _ => None,
            };
            match name.and_then(|(name, after)| Some((self.get(name)?, after))) {
                Some((value, after)) => {
                    expanded.push_str(value);
                    rest = after;
                }
                None => {
                    expanded.push('$');
                    rest = after;
                }
            }
        }
        expanded.push_str(rest);
        expanded
    }
}

/// The commands of a shell script, each in its words, with quotes taken off.
fn shell_commands(script: &str, place: usize) -> Vec<Vec<Word>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = script.chars().peekable();
    let end_word = |word: &mut Option<String>, commands: &mut Vec<Vec<Word>>, end_command: bool| {
        if let (Some(text), Some(command)) = (word.take(), commands.last_mut()) {
            command.push(Word { text, place });
        }
        if end_command {
            commands.push(Vec::new());
        }
    };
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (Some('\''), letter) => word.get_or_insert_default().push(letter),
            (_, '\\') => match letters.next() {
                Some('\n') | None => {}
                Some(escaped) => word.get_or_insert_default().push(escaped),
            },
            (Some(_), letter) => word.get_or_insert_default().push(letter),
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => while letters.next_if(|letter| *letter != '\n').is_some() {},
            (None, ';' | '&' | '|' | '\n' | '(' | ')') => end_word(&mut word, &mut commands, true),
            (None, letter) if letter.is_ascii_whitespace() => end_word(&mut word, &mut commands, false),
            (None, letter) => word.get_or_insert_default().push(letter),
        }
    }
    end_word(&mut word, &mut commands, false);
    commands
}
