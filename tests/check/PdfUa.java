import java.io.*;
import java.util.*;
import java.util.logging.*;
import javax.xml.parsers.*;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.*;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.*;
import org.verapdf.pdfa.validation.profiles.*;
import org.w3c.dom.*;

/** Checks PDFs against PDF/UA-1 with veraPDF's library; its profile is read here, as the jar lacks the reader. */
public class PdfUa {
  static String text(Element e, String name) {
    NodeList found = e.getElementsByTagName(name);
    return found.getLength() == 0 ? "" : found.item(0).getTextContent();
  }

  static ValidationProfile profile() throws Exception {
    Document doc;
    try (InputStream in = PDFAFlavour.class.getResourceAsStream("/org/verapdf/pdfa/validation/PDFUA-1.xml")) {
      doc = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(in);
    }
    Set<Rule> rules = new HashSet<>();
    NodeList nodes = doc.getElementsByTagName("rule");
    for (int i = 0; i < nodes.getLength(); i++) {
      Element e = (Element) nodes.item(i), id = (Element) e.getElementsByTagName("id").item(0);
      RuleId rule = Profiles.ruleIdFromValues(PDFAFlavour.Specification.ISO_14289_1, id.getAttribute("clause"),
          Integer.parseInt(id.getAttribute("testNumber")));
      Boolean deferred = e.hasAttribute("deferred") ? Boolean.valueOf(e.getAttribute("deferred")) : null;
      rules.add(Profiles.ruleFromValues(rule, e.getAttribute("object"), deferred, e.getAttribute("tags"),
          text(e, "description"), text(e, "test"), Profiles.errorFromValues(text(e, "message"), List.of()), List.of()));
    }
    Set<Variable> variables = new HashSet<>();
    nodes = doc.getElementsByTagName("variable");
    for (int i = 0; i < nodes.getLength(); i++) {
      Element e = (Element) nodes.item(i);
      variables.add(Profiles.variableFromValues(e.getAttribute("name"), e.getAttribute("object"),
          text(e, "defaultValue"), text(e, "value")));
    }
    return Profiles.profileFromValues(PDFAFlavour.PDFUA_1,
        Profiles.profileDetailsFromValues("PDF/UA-1", "", "", new Date(0)), "", rules, variables);
  }

  public static void main(String[] names) throws Exception {
    LogManager.getLogManager().reset();
    VeraGreenfieldFoundryProvider.initialise();
    ValidationProfile profile = profile();
    for (String name : names) {
      try (PDFAParser parser = Foundries.defaultInstance().createParser(new FileInputStream(name), PDFAFlavour.PDFUA_1);
           PDFAValidator validator = Foundries.defaultInstance().createValidator(profile, 100000, true, false, false)) {
        ValidationResult result = validator.validate(parser);
        System.out.println(new File(name).getName() + ": " + (result.isCompliant() ? "compliant" : "not compliant") + ", "
            + profile.getRules().size() + " rules, " + result.getTotalAssertions() + " checks");
        for (TestAssertion one : result.getTestAssertions())
          if (one.getStatus() == TestAssertion.Status.FAILED)
            System.out.println("  " + one.getRuleId().getClause() + "-" + one.getRuleId().getTestNumber() + " "
                + one.getMessage() + " @ " + one.getLocation().getContext());
      }
    }
  }
}
