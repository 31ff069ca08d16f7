package dev.octavo.allocator.context.check;

import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Names methods, `com.example.Handler.onRead` or `com.example.*.poll(long, TimeUnit)`, where `*`
/// stands for any characters, dots as well.
///
/// @param text as given
/// @param regex what it matches
record MethodPattern(String text, Pattern regex) {

  private static final Pattern FORM =
      Pattern.compile("[\\p{javaJavaIdentifierPart}*.<>]+(\\([^()]*\\))?");

  /// @throws IllegalArgumentException if it is not of that form
  static MethodPattern of(String text) {
    if (!FORM.matcher(text).matches() || !(text.contains(".") || text.contains("*"))) {
      throw new IllegalArgumentException(
          "method pattern must be class.method or class.method(types), with * for any characters:"
              + " pattern="
              + text);
    }
    String regex =
        Stream.of(text.replace(" ", "").split("\\*", -1))
            .map(Pattern::quote)
            .collect(Collectors.joining(".*"));
    return new MethodPattern(text, Pattern.compile(regex));
  }

  /// Whether it names a method, as one of a class that has or inherits it.
  boolean matches(String owner, MethodNode method) {
    String name = owner + "." + method.name();
    String parameters = "(" + method.parameters().replace(" ", "") + ")";
    return regex.matcher(text.endsWith(")") ? name + parameters : name).matches();
  }
}
