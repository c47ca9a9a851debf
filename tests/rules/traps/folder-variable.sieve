require ["variables", "fileinto", "encoded-character"];
set "a" "${hex:ff fe}";
fileinto "${a}";
