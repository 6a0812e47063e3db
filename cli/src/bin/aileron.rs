//! The consumer side.

fn main() -> std::process::ExitCode {
    aileron_cli::sys::environment::forget_blank();
    aileron_cli::sys::core_files::forbid();
    aileron_cli::ui::commands::consumer(std::env::args_os())
}
