//! The real binary, really killed.

use std::process::{Child, Command};

use aileron_testkit::github::{FakeGitHub, Limits};
use aileron_testkit::home::{Repository, TestHome, ok, writes};

use super::crash::Dice;
use super::over_http::{assert_public, verb};
use super::{model, repository};

/// Kills a release once GitHub has seen so many requests of it.
fn killed_at(repository: &Repository<'_>, fake: &FakeGitHub, request: usize) -> bool {
    let before = fake.log().len();
    let mut child: Child = release(repository, fake).stdout(std::process::Stdio::null()).spawn().unwrap();
    loop {
        if fake.log().len() - before >= request {
            let _ = child.kill(); // SIGKILL; it may have ended by itself just now
            return !child.wait().unwrap().success();
        }
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::yield_now();
    }
}

fn release(repository: &Repository<'_>, fake: &FakeGitHub) -> Command {
    let key = repository.key.to_str().unwrap();
    let mut command = verb(repository, fake, &["release", "v0.1.0", "--limits", "none", "--quiet", "--key", key]);
    command.stderr(std::process::Stdio::null());
    command
}

#[test]
fn a_killed_release_is_finished_by_the_next_one() {
    const KILLS: usize = 20;
    const ACTIONS: usize = 5;
    let home = TestHome::new();
    let repository = repository(&home, ACTIONS);
    let mut dice = Dice(9);
    let mut kills = 0;
    while kills < KILLS {
        let mut github = model();
        github.limits = Limits::none();
        let fake = FakeGitHub::start(github);
        let _ = std::fs::remove_dir_all(repository.root.join("dist"));
        // 8 requests of looking, then writes; after a kill a rerun needs fewer.
        for most in [27, 20, 12] {
            kills += usize::from(killed_at(&repository, &fake, 1 + dice.throw(most)));
        }
        ok(&mut release(&repository, &fake));
        assert_public(&fake, ACTIONS);
        let made = fake.github().meter.usage.writes;
        let needed = 3 * (ACTIONS as u64 + 1) + 4;
        assert!((needed..=needed + 3).contains(&made), "{made} writes, {needed} needed");
        assert_eq!(writes(&ok(&mut release(&repository, &fake))), 0);
    }
}
