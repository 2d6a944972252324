//! What the policy refuses before anything is started. What a sandbox holds is shown by `tests/it`.

use std::fs;
use std::path::Path;

use super::*;

fn job(mounts: Vec<Mount>) -> Job {
    Job { argv: vec!["true".to_owned()], cwd: "/".to_owned(), mounts, ..Job::default() }
}

fn mount(host: &Path, inside: &str, writable: bool) -> Mount {
    Mount { host: host.to_owned(), inside: inside.to_owned(), writable }
}

#[test]
fn a_mount_is_a_folder_that_no_build_could_have_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    fs::create_dir_all(real.join("below")).unwrap();
    let check = |mounts| job(mounts).check(Tier::Namespaces);
    assert!(check(vec![mount(&real, "/build", true)]).is_ok());
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/etc", &link).unwrap();
        assert!(matches!(check(vec![mount(&link, "/build", true)]), Err(SandboxError::BadMount { .. })));
    }
    assert!(check(vec![mount(&link.join("missing"), "/build", true)]).is_err());
    assert!(check(vec![mount(&real, "/build", true), mount(&real.join("below"), "/home", false)]).is_err());
    assert!(check(vec![mount(&real, "/build", false), mount(&real.join("below"), "/home", true)]).is_ok());
    assert!(check(vec![mount(&real, "/build", false), mount(&real.join("below"), "/build/x", true)]).is_err());
    assert!(check(vec![mount(&real, "/build/../etc", true)]).is_err());
    assert!(check(vec![mount(Path::new("relative"), "/build", true)]).is_err());
}

#[test]
fn a_command_has_no_nul_and_its_variables_have_names() {
    assert!(job(Vec::new()).check(Tier::Landlock).is_ok());
    for (argv, name) in [("a\0b", "X"), ("", "X"), ("true", ""), ("true", "A=B"), ("true", "A\0")] {
        let job = Job { argv: vec![argv.to_owned()], env: vec![(name.to_owned(), String::new())], ..job(Vec::new()) };
        assert!(matches!(job.check(Tier::Namespaces), Err(SandboxError::BadCommand { .. })), "{argv:?} {name:?}");
    }
}

#[test]
fn the_address_is_known_before_the_build_and_ends_with_a_slash() {
    assert_eq!(Gate::open(Tier::Namespaces).unwrap().url, "http://127.0.0.1:4873/");
    let gate = Gate::open(Tier::Landlock).unwrap();
    assert_eq!(gate.url, format!("http://127.0.0.1:{}/", gate.listener.unwrap().local_addr().unwrap().port()));
}

#[cfg(unix)]
#[test]
fn without_a_sandbox_the_environment_is_still_the_jobs_alone() {
    let sandbox = Sandbox::open(Isolation::Only(Tier::None), None).unwrap();
    let mut job = job(Vec::new());
    job.argv = ["/bin/sh", "-c", "env; exit 3"].map(str::to_owned).to_vec();
    job.env = vec![("ONLY".to_owned(), "this".to_owned())];
    let ended = sandbox.spawn(&job, sandbox.gate().unwrap()).unwrap().wait(&std::sync::atomic::AtomicBool::new(false)).unwrap();
    let text = String::from_utf8(ended.log.text).unwrap();
    assert_eq!((ended.exit, ended.stopped), (Some(3), None));
    assert!(text.contains("ONLY=this") && text.contains("TMPDIR=") && !text.contains("CARGO"), "{text}");
}
