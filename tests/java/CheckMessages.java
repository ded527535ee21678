import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.zip.ZipFile;

import org.apache.hbase.thirdparty.com.google.protobuf.Any;
import org.apache.hbase.thirdparty.com.google.protobuf.Descriptors.FieldDescriptor;
import org.apache.hbase.thirdparty.com.google.protobuf.InvalidProtocolBufferException;
import org.apache.hbase.thirdparty.com.google.protobuf.Message;
import org.apache.hbase.thirdparty.com.google.protobuf.UnknownFieldSet;

/**
 * Says what Java makes of bytes that are, or are not, messages of HBase.
 *
 * <p>Arguments: the jar with the generated classes, the file to read, the file to write. Read are records of a full name,
 * bytes, and optionally other bytes; each with its length (int) before it, -1 for none. Written is a line for each: "R", a
 * tab and the reason if Java refuses the bytes; "A" if it reads them and there are no others, "=" if both read as the same
 * message but for unknown fields, and "!" and both if not.
 */
public final class CheckMessages {
  private static final Pattern OUTER_CLASS =
      Pattern.compile("org/apache/hadoop/hbase/shaded/protobuf/generated/\\w+\\.class");

  private final Map<String, Message> defaults = new HashMap<>();

  public static void main(String[] args) throws Exception {
    CheckMessages check = new CheckMessages();
    check.add(Any.class);
    for (String name : outerClasses(args[0])) {
      check.addNested(Class.forName(name));
    }
    try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(Path.of(args[1]))));
        PrintWriter out = new PrintWriter(Files.newBufferedWriter(Path.of(args[2])))) {
      for (byte[] name = read(in); name.length > 0; name = read(in)) {
        out.println(check.verdict(new String(name, "UTF-8"), read(in), read(in)));
      }
    }
  }

  private static List<String> outerClasses(String jar) throws Exception {
    try (ZipFile zip = new ZipFile(jar)) {
      return zip.stream().map(entry -> entry.getName()).filter(OUTER_CLASS.asMatchPredicate())
          .map(name -> name.replace('/', '.').substring(0, name.length() - ".class".length())).toList();
    }
  }

  private static byte[] read(DataInputStream in) throws Exception {
    int length = in.readInt();
    return length < 0 ? null : in.readNBytes(length);
  }

  private void addNested(Class<?> outer) throws Exception {
    for (Class<?> nested : outer.getDeclaredClasses()) {
      if (Message.class.isAssignableFrom(nested) && !nested.isInterface()) {
        add(nested);
        addNested(nested);
      }
    }
  }

  private void add(Class<?> type) throws Exception {
    Message message = (Message) type.getMethod("getDefaultInstance").invoke(null);
    defaults.put(message.getDescriptorForType().getFullName(), message);
  }

  private String verdict(String name, byte[] bytes, byte[] others) {
    Message type = defaults.get(name);
    if (type == null) {
      return "?\tno class for " + name;
    }
    try {
      type.getParserForType().parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      return "R\t" + e.getMessage();
    }
    if (others == null) {
      return "A";
    }
    try {
      Message one = withoutUnknownFields(type.getParserForType().parseFrom(bytes));
      Message other = type.getParserForType().parseFrom(others);
      return one.equals(other) ? "=" : "!\t" + oneLine(one) + " | " + oneLine(other);
    } catch (InvalidProtocolBufferException e) {
      return "!\t" + e.getMessage();
    }
  }

  /** Numbers that an enum doesn't have are among the unknown fields, too. */
  private static Message withoutUnknownFields(Message message) {
    Message.Builder builder = message.toBuilder().setUnknownFields(UnknownFieldSet.getDefaultInstance());
    for (Map.Entry<FieldDescriptor, Object> entry : message.getAllFields().entrySet()) {
      FieldDescriptor field = entry.getKey();
      if (field.getJavaType() != FieldDescriptor.JavaType.MESSAGE) {
        continue;
      }
      if (field.isRepeated()) {
        List<?> values = (List<?>) entry.getValue();
        for (int i = 0; i < values.size(); i++) {
          builder.setRepeatedField(field, i, withoutUnknownFields((Message) values.get(i)));
        }
      } else {
        builder.setField(field, withoutUnknownFields((Message) entry.getValue()));
      }
    }
    return builder.buildPartial();
  }

  private static String oneLine(Message message) {
    return message.toString().replace('\n', ' ');
  }
}
