package dev.octavo.examples;

import java.util.Locale;

/// Numbers and names as the reports write them; no locale of the machine shows through.
final class Text {
  private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB"};

  private Text() {}

  /// Formats as [String#format] does, the same in every locale.
  @SuppressWarnings("AnnotateFormatMethod") // the annotation would be a dependency of its own
  static String format(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  /// Returns a size in the largest unit of which there is at least one: `610.0 MiB`, `4 KiB`.
  static String bytes(long byteSize) {
    double value = byteSize;
    int unit = 0;
    while (value >= 1024 && unit < UNITS.length - 1) {
      value /= 1024;
      unit++;
    }
    String format = value == Math.rint(value) ? "%.0f %s" : "%.1f %s";
    return format(format, value, UNITS[unit]);
  }

  /// Returns a number without a trailing `.0`.
  static String plain(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
  }

  /// Returns `count` with separators of thousands.
  static String count(long count) {
    return format("%,d", count);
  }

  /// Returns an index or a mean with three digits.
  static String index(double value) {
    return format("%.3f", value);
  }

  /// Returns what people call a strategy.
  static String policy(String strategyName) {
    return switch (strategyName) {
      case "octavo" -> "Octavo";
      case "linux" -> "Linux";
      case "linux-grouped" -> "Linux, mobility grouping";
      case "address-ordered" -> "lowest address first";
      default -> strategyName;
    };
  }

  /// Makes a text safe inside HTML and SVG, attributes included.
  static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }
}
