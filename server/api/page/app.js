document.getElementById('main').textContent = 'bide';
