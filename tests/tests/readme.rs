//! README's curl lines do the whole job: they are run as they stand there.

use std::process::Command;

use stack_tests::{Stack, pixels, unique};

/// The shell of README's section about the API, in its order.
#[expect(
    clippy::expect_used,
    reason = "a test that cannot go on should stop right there"
)]
fn script(readme: &str) -> String {
    let section = readme
        .split("## ")
        .find(|section| section.starts_with("The API, by curl"));
    let mut blocks = section.expect("a section about the API").split("```");
    let mut script = String::new();
    // Text and code take turns.
    while let (Some(_), Some(code)) = (blocks.next(), blocks.next()) {
        script += code.strip_prefix("sh\n").expect("a block of shell");
    }
    script
}

#[test]
fn readmes_curl_lines_edit_a_photo() {
    let Some(stack) = Stack::running() else {
        return;
    };
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let readme = std::fs::read_to_string(format!("{root}/README.md")).unwrap();
    let folder = std::env::temp_dir().join(unique("readme"));
    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink(format!("{root}/samples"), folder.join("samples")).unwrap();
    let run = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script(&readme)])
        .current_dir(&folder)
        .env("STACK", stack.file)
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let result = std::fs::read(folder.join("edited-chelsea.png")).unwrap();
    assert!(
        pixels(&result)
            .pixels()
            .all(|pixel| pixel.0[0] == pixel.0[1])
    );
    std::fs::remove_dir_all(folder).unwrap();
}
