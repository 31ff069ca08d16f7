package dev.octavo.examples;

/// Builds one SVG picture: sizes are in the picture's own units and scale with the page, colours
/// come from the classes of `report.css`, and the title is what a screen reader says.
final class Svg {
  private final StringBuilder xml = new StringBuilder();

  Svg(int width, int height, String title) {
    add(
        "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">",
        width, height, Text.escape(title));
    add("<title>%s</title>", Text.escape(title));
  }

  /// Adds markup; texts among the values have to be escaped already.
  void add(String format, Object... values) {
    xml.append(Text.format(format, values)).append('\n');
  }

  void rect(String css, Box box, String tip) {
    add(
        "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2.5\">"
            + "<title>%s</title></rect>",
        css, box.x(), box.y(), box.width(), box.height(), Text.escape(tip));
  }

  void line(double x1, double y1, double x2, double y2) {
    add("<path class=\"rule\" d=\"M%.1f %.1fL%.1f %.1f\"/>", x1, y1, x2, y2);
  }

  /// Adds a text; the class says how it is anchored.
  void text(String css, double x, double y, String text) {
    add("<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">%s</text>", css, x, y, Text.escape(text));
  }

  /// A rectangle; its corners are rounded.
  record Box(double x, double y, double width, double height) {}

  @Override
  public String toString() {
    return xml + "</svg>\n";
  }
}
