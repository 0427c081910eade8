//! The operating system's list of processes: `/proc` where there is one, else `ps`.

use std::path::Path;

/// A living process; one that has ended and only waits to be collected is not listed.
struct Row {
    pid: u32,
    group: u32,
    start_time: String,
    command: String,
}

/// When a process was started, if it lives.
pub(super) fn start_time(pid: u32) -> Option<String> {
    row(pid).map(|row| row.start_time)
}

/// The members of a group whose command line mentions a path in `dir`.
pub(super) fn orphans(group: u32, dir: &Path) -> Vec<u32> {
    let dir = format!("{}/", dir.display());
    rows()
        .into_iter()
        .filter(|row| row.group == group && row.command.contains(&dir))
        .map(|row| row.pid)
        .collect()
}

/// How many processes of a group live.
pub(crate) fn group_size(group: u32) -> usize {
    rows().iter().filter(|row| row.group == group).count()
}

#[cfg(target_os = "linux")]
fn row(pid: u32) -> Option<Row> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // pid (name) state ppid pgrp ... starttime; the name may hold anything, parentheses included.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    if matches!(*fields.first()?, "Z" | "X") {
        return None;
    }
    let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    Some(Row {
        pid,
        group: fields.get(2)?.parse().ok()?,
        start_time: (*fields.get(19)?).to_owned(),
        command: String::from_utf8_lossy(&command).replace('\0', " "),
    })
}

#[cfg(target_os = "linux")]
fn rows() -> Vec<Row> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(row)
        .collect()
}

#[cfg(not(target_os = "linux"))]
fn row(pid: u32) -> Option<Row> {
    ps(&["-p", &pid.to_string()]).pop()
}

#[cfg(not(target_os = "linux"))]
fn rows() -> Vec<Row> {
    ps(&["-A"])
}

#[cfg(not(target_os = "linux"))]
fn ps(which: &[&str]) -> Vec<Row> {
    let listed = std::process::Command::new("ps")
        .env("LC_ALL", "C")
        .args(which)
        .args(["-o", "pid=,pgid=,stat=,lstart=,args="])
        .output();
    let Ok(listed) = listed else {
        return Vec::new();
    };
    String::from_utf8_lossy(&listed.stdout)
        .lines()
        .filter_map(parse)
        .collect()
}

/// `pid pgid stat Mon Nov 23 21:15:00 2026 command...`
#[cfg(any(test, not(target_os = "linux")))]
fn parse(line: &str) -> Option<Row> {
    let words: Vec<&str> = line.split_whitespace().collect();
    if words.get(2)?.starts_with('Z') {
        return None;
    }
    Some(Row {
        pid: words.first()?.parse().ok()?,
        group: words.get(1)?.parse().ok()?,
        start_time: words.get(3..8)?.join(" "),
        command: words.get(8..)?.join(" "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_line_of_ps() {
        let row =
            parse(" 4242  4200 S+   Mon Nov 23 21:15:00 2026     /x/bootstrap --flag").unwrap();
        assert_eq!((row.pid, row.group), (4242, 4200));
        assert_eq!(row.start_time, "Mon Nov 23 21:15:00 2026");
        assert_eq!(row.command, "/x/bootstrap --flag");
        assert!(parse("1 1 Z Mon Nov 23 21:15:00 2026 (gone)").is_none());
    }
}
