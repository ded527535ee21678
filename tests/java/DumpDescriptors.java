import java.io.BufferedOutputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.regex.Pattern;
import java.util.zip.ZipFile;

/**
 * Writes what HBase's jars know of their protobuf messages, as one serialized FileDescriptorSet.
 *
 * <p>Arguments: the file to write, then the jars to look through, which must be on the class path too. Reflection
 * only, so that the relocated protobuf of the shaded messages and the old one of hbase-protocol both do.
 */
public final class DumpDescriptors {
  private static final Pattern OUTER_CLASS =
      Pattern.compile("org/apache/hadoop/hbase/(.*/)?generated/\\w+\\.class");

  public static void main(String[] args) throws Exception {
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(Path.of(args[0])))) {
      for (int i = 1; i < args.length; i++) {
        for (String name : outerClasses(args[i])) {
          byte[] file = fileDescriptor(Class.forName(name));
          if (file != null) {
            out.write(0x0A); // FileDescriptorSet.file
            writeVarint(out, file.length);
            out.write(file);
          }
        }
      }
    }
  }

  private static List<String> outerClasses(String jar) throws Exception {
    List<String> names = new ArrayList<>();
    try (ZipFile zip = new ZipFile(jar)) {
      zip.stream().map(entry -> entry.getName()).filter(OUTER_CLASS.asMatchPredicate())
          .forEach(name -> names.add(name.replace('/', '.').substring(0, name.length() - ".class".length())));
    }
    Collections.sort(names);
    return names;
  }

  /** The serialized FileDescriptorProto behind an outer class, null for a class that is none. */
  private static byte[] fileDescriptor(Class<?> outer) throws Exception {
    Object descriptor;
    try {
      descriptor = outer.getMethod("getDescriptor").invoke(null);
    } catch (NoSuchMethodException e) {
      return null;
    }
    if (!descriptor.getClass().getSimpleName().equals("FileDescriptor")) {
      return null;
    }
    Object proto = descriptor.getClass().getMethod("toProto").invoke(descriptor);
    return (byte[]) proto.getClass().getMethod("toByteArray").invoke(proto);
  }

  private static void writeVarint(OutputStream out, int value) throws Exception {
    while ((value & ~0x7F) != 0) {
      out.write(value & 0x7F | 0x80);
      value >>>= 7;
    }
    out.write(value);
  }
}
