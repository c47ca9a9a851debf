require ["vacation", "variables"];
vacation "One.";
vacation "Two.";
