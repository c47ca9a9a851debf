require ["variables", "fileinto"];
fileinto "first";
set "a" "nobody at all";
redirect "${a}";
