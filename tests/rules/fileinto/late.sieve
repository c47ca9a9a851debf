require ["fileinto", "variables", "encoded-character"];
set "a" "${hex:ff}";
fileinto "x${a}";
