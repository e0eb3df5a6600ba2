document.title = "Magpie";
