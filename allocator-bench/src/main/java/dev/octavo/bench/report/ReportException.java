package dev.octavo.bench.report;

/// Says in one line why there is nothing to report.
final class ReportException extends Exception {
  private static final long serialVersionUID = 1;

  ReportException(String line) {
    super(line);
  }
}
