//! Throwaway.
use clap::Parser;
#[derive(Parser)]
struct Cli { #[command(flatten)] demo: redrive::demo::DemoArgs, #[arg(short)] output: Option<String> }
#[tokio::main]
async fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    let format = if cli.output.as_deref() == Some("json") { redrive::printer::Format::Json } else { redrive::printer::Format::Text };
    let printer = redrive::printer::Printer::new(format);
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::new(std::env::var("REDRIVE_LOG").unwrap_or("error,redrive=info,temporalio=warn".into()))).with_writer(std::io::stderr).init();
    match redrive::demo::run(cli.demo, &printer).await { Ok(code) => code, Err(e) => { printer.error(&e); eprintln!("{e:?}"); 2.into() } }
}
