frobnicate "x";
keep "y";
