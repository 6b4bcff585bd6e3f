// Anybody may know whether this browser keeps cookies here; who asks is not known, so the answer goes to any origin.
parent.postMessage(document.cookie.includes('_third_party=yes') ? 'supported' : 'unsupported', '*');
